using Google.Protobuf;
using MegaInfer.Engine;
using MegaInfer.ExpertNodes.Pipeline;
using MegaInfer.M2N;
using MegaInfer.Proto;

namespace MegaInfer.ExpertNodes.Control;

/// <summary>The server's Welcome in this node's own types; the one place that knows both.</summary>
internal static class WelcomeReader
{
    internal static IReadOnlyList<ExpertId> Experts(Welcome welcome) => [.. welcome.Experts.Select(expert => new ExpertId(expert))];

    /// <param name="welcome">What the server says.</param>
    /// <param name="networkInterface">Over which other hosts are reached; empty: none.</param>
    internal static M2NOptions Receiver(Welcome welcome, string networkInterface) => new()
    {
        Transport = Transport(welcome.M2N.Transport, networkInterface),
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
    };

    internal static ExpertPipelineSizes Sizes(Welcome welcome) =>
        new((int)welcome.M2N.MaxPeers, (int)welcome.M2N.RowBytes, (int)welcome.M2N.ResultBytes, (int)welcome.M2N.MaxPairs);

    // 0 is what a server sends that leaves the choice to the node.
    internal static GatherPolicy Gather(Welcome welcome) =>
        welcome.GatherShare > 0 ? new GatherPolicy(welcome.GatherShare) : new GatherPolicy();

    // Pairs of one host share memory; a node with a network interface also meets others, as the server says.
    private static M2NTransport Transport(string name, string networkInterface) => name switch
    {
        "shm" => networkInterface.Length == 0 ? M2NTransport.Shm : M2NTransport.Auto,
        "tcp" => M2NTransport.Auto,
        "ucx" => M2NTransport.AutoUcx,
        "loopback" => M2NTransport.Loopback,
        _ => throw new MegaInferException($"The server asks for the M2N transport '{name}', which this node does not have; use shm, tcp, ucx or loopback."),
    };

    private static ReadOnlyMemory<byte> Secret(ByteString secret) =>
        secret.IsEmpty ? new byte[M2NOptions.SecretBytes] : secret.Memory;
}
