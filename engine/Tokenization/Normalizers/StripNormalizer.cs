namespace MegaInfer.Engine.Tokenization.Normalizers;

/// <summary>Removes white space at either end.</summary>
internal sealed class StripNormalizer(bool left, bool right) : Normalizer
{
    public override string Normalize(string text)
    {
        if (left)
            text = text.TrimStart();
        return right ? text.TrimEnd() : text;
    }
}
