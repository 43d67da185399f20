namespace MegaInfer.Engine.Tokenization.Patterns;

/// <summary>One instruction; which fields count depends on the operation.</summary>
/// <param name="Op">What to do.</param>
/// <param name="Target">Index of another instruction.</param>
/// <param name="Min">Fewest code points of a run.</param>
/// <param name="Max">Most code points of a run.</param>
/// <param name="Class">The set a code point must be in.</param>
internal readonly record struct PatternInstruction(PatternOp Op, int Target = 0, int Min = 0, int Max = 0, CharClass? Class = null);
