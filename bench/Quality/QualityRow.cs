namespace MegaInfer.Bench.Quality;

/// <summary>How far a model in other weight types is from itself in fp32, over positions of held-out text.</summary>
internal sealed record QualityRow
{
    public required string Engine { get; init; }

    public string Work { get; init; } = "quality";

    public required string Model { get; init; }

    public required string Dtype { get; init; }

    public required double BitsPerWeight { get; init; }

    public required int Positions { get; init; }

    /// <summary>Mean of the Kullback-Leibler divergence of the next token's distribution from the exact model's, in nats.</summary>
    public required double MeanKl { get; init; }

    /// <summary>Standard error of <see cref="MeanKl"/>.</summary>
    public required double MeanKlError { get; init; }

    /// <summary>Share of positions whose most likely token is the same.</summary>
    public required double SameTop { get; init; }

    public required double Perplexity { get; init; }

    public required double ExactPerplexity { get; init; }
}
