using MegaInfer.Engine;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>What an <see cref="ExpertLink"/> needs to know.</summary>
public sealed record ExpertLinkOptions
{
    public required int ExpertCount { get; init; }

    public required int TopK { get; init; }

    /// <summary>One returned row, bytes.</summary>
    public required int ResultBytes { get; init; }

    /// <summary>This node's place among the attention nodes: nodes begin with different replicas.</summary>
    public required Rank Rank { get; init; }

    /// <summary>The weights that dispatched rows ask for.</summary>
    public required WeightVersion Version { get; init; }

    /// <summary>A piece that is not returned by then has failed.</summary>
    public TimeSpan DispatchDeadline { get; init; } = TimeSpan.FromSeconds(5);
}
