using MegaInfer.Engine;
using MegaInfer.Engine.Model;

namespace MegaInfer.AttentionNodes;

/// <summary>What an <see cref="AttentionNode"/> needs to know besides its weights.</summary>
public sealed record AttentionNodeOptions
{
    /// <summary>1..4, or 0: chosen by measured speed.</summary>
    public int MicroBatches { get; init; }

    /// <summary>A chosen (not a fixed) micro-batch has at least so many rows.</summary>
    public int MinimumMicroBatchRows { get; init; } = 4;

    /// <summary>Rows of a step at most; what the M2N slots were sized for.</summary>
    public int MaxStepRows { get; init; } = 512;

    /// <summary>Prompt rows of one sequence in one step at most.</summary>
    public int MaxChunkRows { get; init; } = 256;

    /// <summary>What a step may take while sequences decode; zero: no target. See <see cref="Scheduling.SchedulerLimits.StepTarget"/>.</summary>
    public TimeSpan StepTarget { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>Sequences that run at the same time.</summary>
    public int MaxSequences { get; init; } = 64;

    /// <summary>Sequences that wait; further ones are refused.</summary>
    public int MaxWaiting { get; init; } = 4096;

    /// <summary>KV blocks of 16 tokens; see <see cref="KvCache.KvSizing"/> for a number that fits the memory.</summary>
    public required int KvBlocks { get; init; }

    public NumberType KvType { get; init; } = NumberType.BFloat16;

    public bool HasPrefixCache { get; init; } = true;

    /// <summary>A dispatch that is not answered by then has failed, and its step is run again.</summary>
    public TimeSpan DispatchDeadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long sequences wait for experts that are gone, or fail again and again, before they end with a reason.</summary>
    public TimeSpan OutageLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>This node's place among the attention nodes.</summary>
    public Rank Rank { get; init; }
}
