using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.M2N;
using MegaInfer.Node;
using MegaInfer.Proto;

namespace MegaInfer.AttentionNodes.Control;

/// <summary>The server's Welcome in this node's own types; the one place that knows both.</summary>
internal static class WelcomeReader
{
    /// <param name="welcome">What the server says.</param>
    /// <param name="networkInterface">Over which other hosts are reached; empty: none.</param>
    internal static M2NOptions Sender(Welcome welcome, string networkInterface) => new()
    {
        Transport = Transport(welcome.M2N.Transport, networkInterface),
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
    };

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

    // Pairs of one host share memory; a node with a network interface also meets others, as the server says.
    private static M2NTransport Transport(string name, string networkInterface) => name switch
    {
        "shm" => networkInterface.Length == 0 ? M2NTransport.Shm : M2NTransport.Auto,
        "tcp" => M2NTransport.Auto,
        "ucx" => M2NTransport.AutoUcx,
        "loopback" => M2NTransport.Loopback,
        _ => throw new MegaInferException($"The server asks for the M2N transport '{name}', which this node does not have; use shm, tcp, ucx or loopback."),
    };
}
