using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.ExpertNodes.Pipeline;
using MegaInfer.Kernels;
using MegaInfer.M2N;

namespace MegaInfer.Bench.Cluster;

/// <summary>What a <see cref="LocalCluster"/> is made of. The defaults are one node of each kind that share all cores.</summary>
public sealed record LocalClusterOptions
{
    public required string ModelFolder { get; init; }

    public int AttentionNodes { get; init; } = 1;

    public int ExpertNodes { get; init; } = 1;

    /// <summary>The experts of each expert node; null: equal shares of all of them. Experts may be held by several nodes.</summary>
    public IReadOnlyList<IReadOnlyList<ExpertId>>? Placement { get; init; }

    /// <summary>1..4, or 0: chosen by measured speed.</summary>
    public int MicroBatches { get; init; } = 1;

    public M2NTransport Transport { get; init; } = M2NTransport.Loopback;

    /// <summary>Rows lie in memory of the nodes' devices. Null: on a GPU only.</summary>
    public bool? DeviceRows { get; init; }

    /// <summary>Threads of each attention node's kernels; 0: one per core of <see cref="AttentionCores"/>.</summary>
    public int AttentionThreads { get; init; }

    /// <summary>Threads of each expert node's kernels; 0: one per core of <see cref="ExpertCores"/>.</summary>
    public int ExpertThreads { get; init; }

    /// <summary>Cores of every attention node; empty: all of the process.</summary>
    public IReadOnlyList<int> AttentionCores { get; init; } = [];

    /// <summary>Cores of every expert node; empty: all of the process.</summary>
    public IReadOnlyList<int> ExpertCores { get; init; } = [];

    public KernelBackend Backend { get; init; } = KernelBackend.Auto;

    /// <summary>Float32 or BFloat16; null: as stored.</summary>
    public NumberType? WeightType { get; init; }

    public NumberType KvType { get; init; } = NumberType.BFloat16;

    /// <summary>Rows of a step at most.</summary>
    public int MaxStepRows { get; init; } = 512;

    /// <summary>Prompt rows of one sequence in one step at most.</summary>
    public int MaxChunkRows { get; init; } = 256;

    /// <summary>Sequences that run at the same time on one attention node.</summary>
    public int MaxSequences { get; init; } = 64;

    /// <summary>KV blocks of 16 tokens of each attention node; 0: what all its sequences need, up to a gibibyte.</summary>
    public int KvBlocks { get; init; }

    public bool HasPrefixCache { get; init; } = true;

    /// <summary>What a step may take while sequences decode; zero: no target, so that steps do not depend on time.</summary>
    public TimeSpan StepTarget { get; init; }

    public TimeSpan DispatchDeadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long sequences wait for experts that are gone.</summary>
    public TimeSpan OutageLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an expert node waits for rows of other attention nodes; null: as nodes that own their cores where they do.</summary>
    public GatherPolicy? Gather { get; init; }

    internal GatherPolicy EffectiveGather =>
        Gather ?? new GatherPolicy(ExpertCores.Count > 0 && !ExpertCores.Intersect(AttentionCores).Any() && AttentionCores.Count > 0
            ? GatherPolicy.DefaultShare
            : GatherPolicy.SharedCoresShare);
}
