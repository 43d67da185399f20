using System.Globalization;

namespace MegaInfer.Engine.Tokenization.Patterns;

/// <summary>
/// A set of code points of a split pattern: ranges, Unicode categories and nested sets, possibly negated or intersected.
/// Immutable after <see cref="Freeze"/>; then any thread may call <see cref="Contains"/>.
/// </summary>
internal sealed class CharClass
{
    private readonly List<(int First, int Last)> _ranges = [];
    private readonly List<CharClass> _nested = [];
    private uint _categories;
    private bool _negated;
    private CharClass? _intersectWith;
    private ulong _asciiLow;
    private ulong _asciiHigh;

    /// <summary>Oniguruma's \s: the code points with the White_Space property.</summary>
    public static CharClass WhiteSpace { get; } = new CharClass()
        .AddRange(0x09, 0x0D).AddRange(0x20, 0x20).AddRange(0x85, 0x85).AddRange(0xA0, 0xA0).AddRange(0x1680, 0x1680)
        .AddRange(0x2000, 0x200A).AddRange(0x2028, 0x2029).AddRange(0x202F, 0x202F).AddRange(0x205F, 0x205F)
        .AddRange(0x3000, 0x3000).Freeze();

    /// <summary>Oniguruma's \w: letters, marks, decimal digits and connector punctuation.</summary>
    public static CharClass Word { get; } = new CharClass()
        .AddCategories(UnicodeCategories.Mask("L") | UnicodeCategories.Mask("M") | UnicodeCategories.Mask("Nd") | UnicodeCategories.Mask("Pc"))
        .Freeze();

    public static CharClass Digit { get; } = new CharClass().AddCategories(UnicodeCategories.Mask("Nd")).Freeze();

    /// <summary>The dot: everything but a line feed.</summary>
    public static CharClass AnyButLineFeed { get; } = new CharClass().AddRange('\n', '\n').Negate().Freeze();

    public CharClass AddRange(int first, int last)
    {
        _ranges.Add((first, last));
        return this;
    }

    public CharClass AddCategories(uint mask)
    {
        _categories |= mask;
        return this;
    }

    public CharClass AddNested(CharClass nested)
    {
        _nested.Add(nested);
        return this;
    }

    public CharClass IntersectWith(CharClass other)
    {
        _intersectWith = other;
        return this;
    }

    public CharClass Negate()
    {
        _negated = !_negated;
        return this;
    }

    /// <summary>The complement, leaving this set as it is.</summary>
    public CharClass Complement() => new CharClass().AddNested(this).Negate().Freeze();

    /// <summary>Adds the other case of every letter in the ranges, for (?i: ... ).</summary>
    public CharClass FoldCase()
    {
        int count = _ranges.Count;
        for (int i = 0; i < count; i++)
        {
            (int first, int last) = _ranges[i];
            for (int c = Math.Max(first, 'A'); c <= Math.Min(last, 'z'); c++)
            {
                if (char.IsAsciiLetter((char)c))
                    AddRange(c ^ 0x20, c ^ 0x20);
            }
        }

        return this;
    }

    /// <summary>Computes the ASCII bitmap. The set must not change afterwards.</summary>
    public CharClass Freeze()
    {
        _asciiLow = _asciiHigh = 0;
        for (int c = 0; c < 64; c++)
        {
            if (Evaluate(c))
                _asciiLow |= 1UL << c;
            if (Evaluate(c + 64))
                _asciiHigh |= 1UL << c;
        }

        return this;
    }

    public bool Contains(int codePoint) => codePoint switch
    {
        < 64 => (_asciiLow >> codePoint & 1) != 0,
        < 128 => (_asciiHigh >> (codePoint - 64) & 1) != 0,
        _ => Evaluate(codePoint),
    };

    private bool Evaluate(int codePoint) => EvaluateUnion(codePoint) != _negated;

    private bool EvaluateUnion(int codePoint)
    {
        bool found = _categories != 0 && (_categories >> (int)CharUnicodeInfo.GetUnicodeCategory(codePoint) & 1) != 0;
        for (int i = 0; !found && i < _ranges.Count; i++)
            found = codePoint >= _ranges[i].First && codePoint <= _ranges[i].Last;
        for (int i = 0; !found && i < _nested.Count; i++)
            found = _nested[i].Evaluate(codePoint);
        return found && (_intersectWith is null || _intersectWith.Evaluate(codePoint));
    }
}
