namespace MegaInfer.Engine.Tokenization.Patterns;

/// <summary>The instructions of a compiled split pattern.</summary>
internal enum PatternOp
{
    /// <summary>One code point of the set.</summary>
    One,

    /// <summary>As many code points of the set as there are, given back one by one on failure.</summary>
    Run,

    /// <summary>As many code points of the set as there are, never given back.</summary>
    PossessiveRun,

    /// <summary>Goes on; on failure goes to the target.</summary>
    Fork,

    /// <summary>Goes to the target; on failure goes on.</summary>
    LazyFork,

    Jump,
    Ahead,
    NotAhead,
    Behind,
    NotBehind,
    Atomic,
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    Accept,
}
