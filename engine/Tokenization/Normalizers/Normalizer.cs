namespace MegaInfer.Engine.Tokenization.Normalizers;

/// <summary>Rewrites text before it is split. Immutable; any thread may use it.</summary>
internal abstract class Normalizer
{
    public abstract string Normalize(string text);
}
