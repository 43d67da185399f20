namespace MegaInfer.Engine;

/// <summary>A routed expert's index inside its layer, 0-based; the same number on every node.</summary>
public readonly record struct ExpertId(int Value);

/// <summary>One generation in progress, unique within one server run. Chosen by the server.</summary>
public readonly record struct SequenceId(long Value)
{
    public override string ToString() => $"sequence {Value}";
}

/// <summary>A node's identity in the cluster, chosen by the server when the node joins; never reused within one server run.</summary>
public readonly record struct NodeId(int Value)
{
    public override string ToString() => $"node {Value}";
}

/// <summary>A node's position in the M2N group. Attention and expert ranks are numbered apart, each from 0.</summary>
public readonly record struct Rank(int Value);

/// <summary>A block of the KV cache, an index into the block pool of one attention node.</summary>
public readonly record struct BlockId(int Value);

/// <summary>A loaded weight set. 0 is what the checkpoint held at start; trainers publish higher ones.</summary>
public readonly record struct WeightVersion(long Value);
