namespace MegaInfer.Engine.Model.Families;

/// <summary>A yes or no that a config.json may give.</summary>
/// <param name="Field">Where; null where the family always does the same.</param>
/// <param name="Default">What the authors' code takes for an absent field.</param>
public sealed record Switch(string? Field, bool Default)
{
    public static Switch Always { get; } = new(null, true);

    public static Switch Never { get; } = new(null, false);
}
