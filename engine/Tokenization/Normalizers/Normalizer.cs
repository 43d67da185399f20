namespace MegaInfer.Engine.Tokenization.Normalizers;

/// <summary>Rewrites text before it is split. Immutable; any thread may use it.</summary>
internal abstract class Normalizer
{
    /// <summary>How many times longer than a text its normalized form can be, at most, apart from a fixed number of characters.</summary>
    public virtual double Growth => 1;

    public abstract string Normalize(string text);
}
