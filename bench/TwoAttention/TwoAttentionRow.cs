namespace MegaInfer.Bench.TwoAttention;

/// <summary>One deployment of the same batch, measured. In JSON the names are in snake_case.</summary>
internal sealed record TwoAttentionRow
{
    public required int AttentionNodes { get; init; }

    public required int BatchPerNode { get; init; }

    /// <summary>Median of the runs.</summary>
    public required double TokensPerS { get; init; }

    /// <summary>Over one attention node with the whole batch.</summary>
    public required double Ratio { get; init; }

    public required double RowsPerExpertGemm { get; init; }

    /// <summary>Part of expert batches with rows of both attention nodes.</summary>
    public required double GatheredShare { get; init; }

    public required double StepMs { get; init; }

    public required int Runs { get; init; }
}
