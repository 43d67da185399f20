namespace MegaInfer.Engine.Tokenization.Normalizers;

/// <summary>Lower-cases, independent of any culture.</summary>
internal sealed class LowercaseNormalizer : Normalizer
{
    public override string Normalize(string text) => text.ToLowerInvariant();
}
