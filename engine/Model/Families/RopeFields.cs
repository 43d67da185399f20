namespace MegaInfer.Engine.Model.Families;

/// <summary>How a family's rope follows from its config.json; scaling has the same spelling everywhere.</summary>
public sealed record RopeFields
{
    public string Theta { get; init; } = "rope_theta";

    public required float DefaultTheta { get; init; }

    /// <summary>The share of a head that rotates where the config does not say.</summary>
    public float DefaultShare { get; init; } = 1f;

    /// <summary>A field that states the components that rotate; null where only a share is stated.</summary>
    public string? RotaryDim { get; init; }

    /// <summary>Pairs are neighbours.</summary>
    public Switch IsAdjacent { get; init; } = Switch.Never;

    /// <summary>The authors' code takes another scaling than none for an absent field, so that the config must say.</summary>
    public bool MustBeStated { get; init; }
}
