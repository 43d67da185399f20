using MegaInfer.Server.Cluster;
using MegaInfer.Server.Health;
using MegaInfer.Server.Routing;

namespace MegaInfer.Server.Hosting;

/// <summary>What the doors share: made once, before the web server is built. All of it may be used from any thread.</summary>
internal sealed record ServerParts
{
    public required ServedModel Model { get; init; }

    public required ClusterState Cluster { get; init; }

    public required RequestRouter Router { get; init; }

    public required ReadyGate Gate { get; init; }

    public required ServerMetrics Metrics { get; init; }

    public required RequestsInFlight InFlight { get; init; }

    public required IdentitySource Identities { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>What clients must show; null: nothing.</summary>
    public required string? ApiKey { get; init; }

    public required ILogger Logger { get; init; }
}
