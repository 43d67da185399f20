using MegaInfer.Engine.Cluster;

namespace MegaInfer.Server.Cluster;

/// <summary>What the server tells every node that joins: the model, the sizes on which both ends of each pair agree, and the times. Fixed for one server run.</summary>
internal sealed record ClusterSpec
{
    /// <summary>The number in Join; nodes of another number are refused.</summary>
    public const uint ProtocolVersion = 1;

    /// <summary>Full path of the checkpoint, as the server sees it.</summary>
    public required string ModelFolder { get; init; }

    public required int ExpertCount { get; init; }

    public required int VocabularySize { get; init; }

    public required int ContextLength { get; init; }

    /// <summary>Attention nodes that the server starts and waits for.</summary>
    public required int AttentionNodes { get; init; }

    /// <summary>Expert nodes that the server starts and waits for; also the number of shares the experts are cut into.</summary>
    public required int ExpertNodes { get; init; }

    /// <summary>auto, fp32, bf16, int8 or int4.</summary>
    public required string WeightType { get; init; }

    /// <summary>fp32 or bf16.</summary>
    public required string KvType { get; init; }

    /// <summary>Sizes of M2N slots, from the model and the step limits.</summary>
    public required PipelineShape Shape { get; init; }

    /// <summary>Endpoints of the other role that one node can hold a pair with; the bound on each pool.</summary>
    public required int MaxPeers { get; init; }

    /// <summary>As in the proto's M2nSettings.</summary>
    public string M2NTransport { get; init; } = "shm";

    /// <summary>Rows lie in memory of the nodes' devices.</summary>
    public bool DeviceRows { get; init; }

    /// <summary>16 bytes that both ends of an M2N pair must know; new in each run.</summary>
    public required ReadOnlyMemory<byte> M2NSecret { get; init; }

    /// <summary>0: the node chooses by measurement, else 1..4.</summary>
    public required int MicroBatches { get; init; }

    /// <summary>Prompt rows of one sequence in one step at most.</summary>
    public required int MaxChunkRows { get; init; }

    /// <summary>0: no target.</summary>
    public int StepTargetMs { get; init; }

    /// <summary>Sequences in progress on one attention node at most.</summary>
    public required int MaxSequences { get; init; }

    /// <summary>KV blocks of 16 tokens; 0: from memory.</summary>
    public int KvBlocks { get; init; }

    public bool PrefixCache { get; init; } = true;

    /// <summary>Nodes keep packed weights on their disks for the next start.</summary>
    public bool WeightCache { get; init; } = true;

    /// <summary>Kernel threads of a node; 0: one per core.</summary>
    public int Threads { get; init; }

    /// <summary>Gathering window of expert nodes as a share of their measured time.</summary>
    public double GatherShare { get; init; } = 0.1;

    public TimeSpan DispatchDeadline { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A node that says nothing for this long is taken for lost.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A node must be ready within this time of its Welcome.</summary>
    public TimeSpan LoadTimeout { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>What nodes must know to join; empty: nothing.</summary>
    public ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>Nodes of one pool may differ in numerics; requests may then differ in their last bits.</summary>
    public bool AllowMixedNumerics { get; init; }
}
