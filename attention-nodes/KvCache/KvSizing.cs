using MegaInfer.Engine.Cluster;

namespace MegaInfer.AttentionNodes.KvCache;

/// <summary>How many KV blocks a node gets when nobody says. Pure.</summary>
public static class KvSizing
{
    /// <summary>Part of the memory that is free when the node starts.</summary>
    public const double MemoryShare = 0.25;

    /// <summary>
    /// As many as fit a share of the memory, but no more than all sequences with a full context need, and at least one full context.
    /// </summary>
    /// <param name="availableBytes">Memory that is free now.</param>
    public static int Blocks(PipelineShape shape, int maxSequences, long availableBytes)
    {
        long needed = (long)shape.ContextBlocks * maxSequences;
        long affordable = (long)(availableBytes * MemoryShare) / shape.KvBlockBytes;
        return (int)Math.Clamp(Math.Min(needed, affordable), shape.ContextBlocks, int.MaxValue / BlockPool.BlockTokens);
    }
}
