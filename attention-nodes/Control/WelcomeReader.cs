using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.Node;
using MegaInfer.Proto;

namespace MegaInfer.AttentionNodes.Control;

/// <summary>The server's Welcome in this node's own types; the one place that knows both.</summary>
internal static class WelcomeReader
{
    /// <param name="availableBytes">Memory that is free, for a KV cache of no stated size.</param>
    internal static AttentionNodeOptions Options(Welcome welcome, ModelSpec spec, long availableBytes)
    {
        AttentionSettings settings = welcome.Attention;
        NumberType kvType = NumericsId.KvType(welcome.KvType);
        var shape = new PipelineShape(spec, settings.MaxStepRows, kvType);
        return new AttentionNodeOptions
        {
            MicroBatches = settings.MicroBatches,
            MaxStepRows = settings.MaxStepRows,
            MaxChunkRows = settings.MaxChunkRows,
            StepTarget = TimeSpan.FromMilliseconds(Math.Max(0, settings.StepTargetMs)),
            MaxSequences = settings.MaxSequences,
            KvBlocks = settings.KvBlocks > 0 ? settings.KvBlocks : KvSizing.Blocks(shape, settings.MaxSequences, availableBytes),
            KvType = kvType,
            HasPrefixCache = settings.PrefixCache,
            DispatchDeadline = TimeSpan.FromMilliseconds(settings.DispatchDeadlineMs),
            Rank = new Rank((int)welcome.Rank),
        };
    }
}
