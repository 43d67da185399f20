using System.Net;
using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;

namespace MegaInfer.Server.Cluster;

/// <summary>
/// One member of the cluster, as of one <see cref="Membership"/>. A node's life: Join -> loading -> Ready -> ready -> (stream ends, lease over) -> gone.
/// </summary>
internal sealed record ClusterNode
{
    public required NodeId Id { get; init; }

    public required NodeRole Role { get; init; }

    /// <summary>Free again when the node has left.</summary>
    public required Rank Rank { get; init; }

    public required string Host { get; init; }

    public required int Pid { get; init; }

    /// <summary>-1: joined from outside.</summary>
    public required int ChildIndex { get; init; }

    /// <summary>Where its connection comes from; null where there is none (tests).</summary>
    public IPAddress? Address { get; init; }

    /// <summary>Expert nodes: which of the shares it holds.</summary>
    public int Share { get; init; }

    /// <summary>Expert nodes: the experts of its share, in every layer.</summary>
    public IReadOnlyList<ExpertId> Experts { get; init; } = [];

    /// <summary>What it said when it was ready; null while it loads.</summary>
    public ReadyReport? Ready { get; init; }

    public bool IsReady => Ready is not null;

    public string State => IsReady ? "ready" : "loading";

    public override string ToString() => $"{(Role == NodeRole.Attention ? "attention" : "expert")} {Id}";
}
