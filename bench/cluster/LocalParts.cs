using MegaInfer.AttentionNodes;
using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.ExpertNodes;
using MegaInfer.ExpertNodes.Pipeline;
using MegaInfer.Kernels;
using MegaInfer.M2N;
using MegaInfer.Node;

namespace MegaInfer.Bench.Cluster;

/// <summary>What every node of a local cluster is made from: one set of sizes, as a server would send it in its Welcome.</summary>
internal sealed class LocalParts(LocalClusterOptions options, Checkpoint checkpoint)
{
    private const long KvBudgetBytes = 1L << 30;
    private static readonly byte[] Secret = "one process only"u8.ToArray();

    internal Checkpoint Checkpoint => checkpoint;

    internal PipelineShape Shape { get; } = new(checkpoint.Spec, options.MaxStepRows, options.KvType);

    /// <summary>Null: as stored.</summary>
    internal NumberType? WeightType => options.WeightType;

    internal LocalWeightTypes WeightTypes { get; } = LocalWeightTypes.Of(checkpoint, options.WeightType);

    internal static WeightVersion Version => default;

    internal ExpertNodeOptions ExpertOptions =>
        new(new ExpertPipelineSizes(options.AttentionNodes, Shape.RowBytes, Shape.ResultBytes, Shape.MaxPairs), options.EffectiveGather);

    internal AttentionNodeOptions AttentionOptions(Rank rank) => new()
    {
        MicroBatches = options.MicroBatches,
        MaxStepRows = options.MaxStepRows,
        MaxChunkRows = options.MaxChunkRows,
        StepTarget = options.StepTarget,
        MaxSequences = options.MaxSequences,
        KvBlocks = options.KvBlocks > 0
            ? options.KvBlocks
            : KvSizing.Blocks(Shape, options.MaxSequences, (long)(KvBudgetBytes / KvSizing.MemoryShare)),
        KvType = options.KvType,
        HasPrefixCache = options.HasPrefixCache,
        DispatchDeadline = options.DispatchDeadline,
        OutageLimit = options.OutageLimit,
        Rank = rank,
    };

    internal KernelContext Context(NodeRole role) => KernelContext.Create(new KernelContextOptions
    {
        Backend = options.Backend,
        ThreadCount = role == NodeRole.Attention ? options.AttentionThreads : options.ExpertThreads,
        Cores = role == NodeRole.Attention ? options.AttentionCores : options.ExpertCores,
    });

    internal M2NEndpoint Endpoint(M2NRole role, Rank rank, KernelContext context) => M2NEndpoint.Open(new M2NOptions
    {
        Transport = options.Transport,
        Role = role,
        Rank = rank,
        MaxPeers = role == M2NRole.Receiver ? options.AttentionNodes : MaxExpertRanks,
        Slots = PipelineShape.Slots,
        MaxRows = Shape.MaxRows,
        MaxPairs = Shape.MaxPairs,
        MaxGroups = Shape.MaxGroups,
        RowBytes = Shape.RowBytes,
        ResultBytes = Shape.ResultBytes,
        RowMemory = HasDeviceRows(context) ? new DeviceRows(context, isBetweenProcesses: options.Transport == M2NTransport.Shm) : null,
        Secret = Secret,
    });

    private bool HasDeviceRows(KernelContext context) =>
        options.DeviceRows ?? (context.IsDevice && options.Transport is (M2NTransport.Loopback or M2NTransport.Shm));

    // Room for nodes that are added while it runs.
    private int MaxExpertRanks => Math.Min(256, (options.Placement?.Count ?? options.ExpertNodes) + 16);
}
