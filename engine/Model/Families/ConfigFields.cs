namespace MegaInfer.Engine.Model.Families;

/// <summary>How a family's config.json names what differs between families, and the value that its authors' code takes for an absent field.</summary>
public sealed record ConfigFields
{
    public required string ExpertCount { get; init; }

    public required string ExpertWidth { get; init; }

    public string ExpertsPerToken { get; init; } = "num_experts_per_tok";

    /// <summary>Field that says whether the chosen router weights are normalised; null where the family always does.</summary>
    public string? RouterNormalized { get; init; }

    /// <summary>Field that must be true for <c>sliding_window</c> to count; null where the window counts by itself.</summary>
    public string? SlidingWindowSwitch { get; init; }

    public required float DefaultRopeTheta { get; init; }

    public required float DefaultNormEpsilon { get; init; }

    public required int DefaultContextLength { get; init; }
}
