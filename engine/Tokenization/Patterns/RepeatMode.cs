namespace MegaInfer.Engine.Tokenization.Patterns;

/// <summary>How a repetition gives characters back: one by one, takes them one by one, or never.</summary>
internal enum RepeatMode
{
    Greedy,
    Lazy,
    Possessive,
}
