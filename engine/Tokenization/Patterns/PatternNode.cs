namespace MegaInfer.Engine.Tokenization.Patterns;

/// <summary>The syntax tree of a split pattern, between <see cref="PatternParser"/> and <see cref="PatternCompiler"/>.</summary>
internal abstract record PatternNode
{
    public sealed record One(CharClass Class) : PatternNode;

    public sealed record Sequence(IReadOnlyList<PatternNode> Items) : PatternNode;

    public sealed record Choice(IReadOnlyList<PatternNode> Branches) : PatternNode;

    /// <summary>Between Min and Max times; Max is int.MaxValue where there is no bound.</summary>
    public sealed record Repeat(PatternNode Body, int Min, int Max, RepeatMode Mode) : PatternNode;

    public sealed record LookAhead(PatternNode Body, bool Negated) : PatternNode;

    /// <summary>Looks at the one code point before the position.</summary>
    public sealed record LookBehind(CharClass Class, bool Negated) : PatternNode;

    public sealed record Atomic(PatternNode Body) : PatternNode;

    public sealed record TextStart : PatternNode;

    public sealed record TextEnd : PatternNode;

    /// <summary>Oniguruma's ^: the start of the text or after a line feed.</summary>
    public sealed record LineStart : PatternNode;

    /// <summary>Oniguruma's $: the end of the text or before a line feed.</summary>
    public sealed record LineEnd : PatternNode;
}
