namespace MegaInfer.Engine.Model.Families;

/// <summary>How a family's routed experts follow from its config.json.</summary>
public sealed record ExpertFields
{
    public required string Width { get; init; }

    public Activation Activation { get; init; }

    public bool HasBias { get; init; }

    /// <summary>Null where there are no shared experts.</summary>
    public SharedExpertFields? Shared { get; init; }
}

/// <summary>How a family's shared expert follows from its config.json.</summary>
public sealed record SharedExpertFields
{
    /// <summary>So many of the routed experts' width; null where the width itself is stated.</summary>
    public string? Count { get; init; }

    /// <summary>The width; null where the count is stated.</summary>
    public string? Width { get; init; }

    public bool HasGate { get; init; }
}
