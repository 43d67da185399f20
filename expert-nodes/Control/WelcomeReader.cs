using MegaInfer.Engine;
using MegaInfer.ExpertNodes.Pipeline;
using MegaInfer.Proto;

namespace MegaInfer.ExpertNodes.Control;

/// <summary>The server's Welcome in this node's own types; the one place that knows both.</summary>
internal static class WelcomeReader
{
    internal static IReadOnlyList<ExpertId> Experts(Welcome welcome) => [.. welcome.Experts.Select(expert => new ExpertId(expert))];

    internal static ExpertPipelineSizes Sizes(Welcome welcome) =>
        new((int)welcome.M2N.MaxPeers, (int)welcome.M2N.RowBytes, (int)welcome.M2N.ResultBytes, (int)welcome.M2N.MaxPairs);

    // 0 is what a server sends that leaves the choice to the node.
    internal static GatherPolicy Gather(Welcome welcome) =>
        welcome.GatherShare > 0 ? new GatherPolicy(welcome.GatherShare) : new GatherPolicy();
}
