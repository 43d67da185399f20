using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.M2N;
using MegaInfer.Node;
using MegaInfer.Proto;

namespace MegaInfer.AttentionNodes.Control;

/// <summary>The server's Welcome in this node's own types; the one place that knows both.</summary>
internal static class WelcomeReader
{
    /// <param name="welcome">What the server says.</param>
    /// <param name="networkInterface">Over which other hosts are reached; empty: none.</param>
    /// <param name="context">Of this node.</param>
    internal static M2NOptions Sender(Welcome welcome, string networkInterface, KernelContext context)
    {
        M2NTransport transport = RowRoute.Transport(welcome.M2N.Transport, networkInterface);
        return new M2NOptions
        {
            Transport = transport,
            Interface = networkInterface,
            Role = M2NRole.Sender,
            Rank = new Rank((int)welcome.Rank),
            MaxPeers = (int)welcome.M2N.MaxPeers,
            Slots = (int)welcome.M2N.Slots,
            MaxRows = (int)welcome.M2N.MaxRows,
            MaxPairs = (int)welcome.M2N.MaxPairs,
            MaxGroups = (int)welcome.M2N.MaxGroups,
            RowBytes = (int)welcome.M2N.RowBytes,
            ResultBytes = (int)welcome.M2N.ResultBytes,
            Secret = welcome.M2N.Secret.IsEmpty ? new byte[M2NOptions.SecretBytes] : welcome.M2N.Secret.Memory,
            RowMemory = RowRoute.Memory(welcome.M2N, transport, context),
        };
    }

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
