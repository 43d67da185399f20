using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.AttentionNodes.Tests.Scheduling;
using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Requests;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

/// <summary>The production loop over the tiny model and the in-process twin, turned by hand, with everything it reported.</summary>
internal sealed class LoopRig : IDisposable
{
    public LoopRig(TinyModel model, AttentionNodeOptions? options = null)
    {
        options ??= Options;
        Memory = new NodeMemory(model.Weights, model.Context, options);
        Twin = new ExpertTwin(model, Memory.Step);
        Loop = new NodeLoop(model.Weights, Memory, Twin, options, Time);
    }

    public static AttentionNodeOptions Options => new()
    {
        MicroBatches = 1,
        MaxStepRows = 64,
        MaxChunkRows = 64,
        MaxSequences = 8,
        KvBlocks = 100,
        KvType = NumberType.BFloat16,
        HasPrefixCache = false,
    };

    public ManualTime Time { get; } = new();

    public NodeMemory Memory { get; }

    public ExpertTwin Twin { get; }

    public NodeLoop Loop { get; }

    public Dictionary<SequenceId, List<GeneratedToken>> Tokens { get; } = [];

    public Dictionary<SequenceId, List<float>> PromptLogits { get; } = [];

    public Dictionary<SequenceId, SequenceEnd> Ends { get; } = [];

    /// <summary>One turn; what it wants to sleep passes on the manual clock.</summary>
    public Pause Turn(bool passTime = true)
    {
        Pause pause = Loop.Turn();
        Collect();
        if (passTime && pause is { Waits: true, Limit: { } limit })
            Time.Advance(limit);
        return pause;
    }

    /// <summary>Turns until the loop has nothing to do.</summary>
    public void RunToIdle(int bound = 10_000)
    {
        for (int i = 0; i < bound; i++)
        {
            if (Turn() is { Waits: true, Limit: null } or { IsEnd: true })
                return;
        }

        throw new InvalidOperationException("The loop does not come to rest.");
    }

    public void Collect()
    {
        while (Loop.Reports.TryRead(out StepReport? report))
        {
            foreach (SequenceReport sequence in report.Sequences)
            {
                if (!Tokens.ContainsKey(sequence.Id))
                    (Tokens[sequence.Id], PromptLogits[sequence.Id]) = ([], []);
                if (Ends.ContainsKey(sequence.Id))
                    throw new InvalidOperationException($"{sequence.Id} is reported after its end.");
                Tokens[sequence.Id].AddRange(sequence.Tokens);
                PromptLogits[sequence.Id].AddRange(sequence.PromptLogits.ToArray());
                if (sequence.End is { } end)
                    Ends.Add(sequence.Id, end);
            }
        }
    }

    public void Dispose()
    {
        Twin.Dispose();
        Memory.Dispose();
    }
}
