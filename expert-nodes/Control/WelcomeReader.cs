using Google.Protobuf;
using MegaInfer.Engine;
using MegaInfer.ExpertNodes.Pipeline;
using MegaInfer.Kernels;
using MegaInfer.M2N;
using MegaInfer.Node;
using MegaInfer.Proto;

namespace MegaInfer.ExpertNodes.Control;

/// <summary>The server's Welcome in this node's own types; the one place that knows both.</summary>
internal static class WelcomeReader
{
    internal static IReadOnlyList<ExpertId> Experts(Welcome welcome) => [.. welcome.Experts.Select(expert => new ExpertId(expert))];

    /// <param name="welcome">What the server says.</param>
    /// <param name="networkInterface">Over which other hosts are reached; empty: none.</param>
    /// <param name="context">Of this node.</param>
    internal static M2NOptions Receiver(Welcome welcome, string networkInterface, KernelContext context)
    {
        M2NTransport transport = RowRoute.Transport(welcome.M2N.Transport, networkInterface);
        return new M2NOptions
        {
            Transport = transport,
            Interface = networkInterface,
            Role = M2NRole.Receiver,
            Rank = new Rank((int)welcome.Rank),
            MaxPeers = (int)welcome.M2N.MaxPeers,
            Slots = (int)welcome.M2N.Slots,
            MaxRows = (int)welcome.M2N.MaxRows,
            MaxPairs = (int)welcome.M2N.MaxPairs,
            MaxGroups = (int)welcome.M2N.MaxGroups,
            RowBytes = (int)welcome.M2N.RowBytes,
            ResultBytes = (int)welcome.M2N.ResultBytes,
            Secret = Secret(welcome.M2N.Secret),
            RowMemory = RowRoute.Memory(welcome.M2N, transport, context),
        };
    }

    internal static ExpertPipelineSizes Sizes(Welcome welcome) =>
        new((int)welcome.M2N.MaxPeers, (int)welcome.M2N.RowBytes, (int)welcome.M2N.ResultBytes, (int)welcome.M2N.MaxPairs);

    // 0 is what a server sends that leaves the choice to the node.
    internal static GatherPolicy Gather(Welcome welcome) =>
        welcome.GatherShare > 0 ? new GatherPolicy(welcome.GatherShare) : new GatherPolicy();

    private static ReadOnlyMemory<byte> Secret(ByteString secret) =>
        secret.IsEmpty ? new byte[M2NOptions.SecretBytes] : secret.Memory;
}
