using System.Globalization;

namespace MegaInfer.Engine.Tokenization.Patterns;

/// <summary>Parses bracketed sets and escapes of a split pattern: ranges, \p{..}, nested sets, &amp;&amp;.</summary>
internal readonly struct CharClassParser
{
    private const int MaxDepth = 16;

    private readonly string _pattern;

    public CharClassParser(string pattern) => _pattern = pattern;

    /// <summary>Parses a set whose '[' has been consumed, including its ']'.</summary>
    /// <exception cref="FormatException">The set is not understood.</exception>
    public CharClass Parse(bool ignoreCase, ref int at, int depth = 0)
    {
        if (depth > MaxDepth)
            throw Refuse("character sets nested too deeply", at);
        CharClass set = new();
        bool negated = Peek(at) == '^';
        if (negated)
            at++;
        bool first = true;
        while (true)
        {
            if (at >= _pattern.Length)
                throw Refuse("a '[' that is never closed", at);
            char c = _pattern[at];
            if (c == ']' && !first)
                break;
            first = false;
            if (c == '[' && Peek(at + 1) == ':')
            {
                throw Refuse("a POSIX bracket", at);
            }
            else if (c == '[')
            {
                at++;
                set.AddNested(Parse(ignoreCase, ref at, depth + 1));
            }
            else if (c == '&' && Peek(at + 1) == '&')
            {
                at += 2;
                set.IntersectWith(ParseRest(ignoreCase, ref at, depth + 1));
                break;
            }
            else
            {
                ParseItem(set, ref at);
            }
        }

        at++;
        if (ignoreCase)
            set.FoldCase();
        if (negated)
            set.Negate();
        return set.Freeze();
    }

    /// <summary>Parses one escape: a set such as \s or \p{L}, or else one code point.</summary>
    public (CharClass? Set, int CodePoint) ParseEscape(ref int at)
    {
        if (at + 1 >= _pattern.Length)
            throw Refuse("a lone backslash", at);
        char c = _pattern[at + 1];
        at += 2;
        switch (c)
        {
            case 's':
                return (CharClass.WhiteSpace, 0);
            case 'S':
                return (CharClass.WhiteSpace.Complement(), 0);
            case 'w':
                return (CharClass.Word, 0);
            case 'W':
                return (CharClass.Word.Complement(), 0);
            case 'd':
                return (CharClass.Digit, 0);
            case 'D':
                return (CharClass.Digit.Complement(), 0);
            case 'p' or 'P':
                return (ParseProperty(c == 'P', ref at), 0);
            case 'n':
                return (null, '\n');
            case 'r':
                return (null, '\r');
            case 't':
                return (null, '\t');
            case 'f':
                return (null, '\f');
            case 'v':
                return (null, '\v');
            case 'a':
                return (null, '\a');
            case 'e':
                return (null, 0x1B);
            case '0':
                return (null, 0);
            case 'x' or 'u':
                return (null, ParseHex(c, ref at));
            default:
                if (char.IsAsciiLetterOrDigit(c))
                    throw Refuse($"'\\{c}'", at);
                return (null, c);
        }
    }

    // The right side of && reaches to the closing bracket, which stays for the caller.
    private CharClass ParseRest(bool ignoreCase, ref int at, int depth)
    {
        CharClass set = new();
        while (at < _pattern.Length && _pattern[at] != ']')
        {
            if (_pattern[at] == '[')
            {
                at++;
                set.AddNested(Parse(ignoreCase, ref at, depth + 1));
            }
            else if (_pattern[at] == '&' && Peek(at + 1) == '&')
            {
                throw Refuse("more than one '&&' in a set", at);
            }
            else
            {
                ParseItem(set, ref at);
            }
        }

        if (at >= _pattern.Length)
            throw Refuse("a '[' that is never closed", at);
        return set.Freeze();
    }

    private void ParseItem(CharClass set, ref int at)
    {
        (CharClass? nested, int first) = ParseOne(ref at);
        if (nested is not null)
        {
            set.AddNested(nested);
            return;
        }

        int last = first;
        if (Peek(at) == '-' && Peek(at + 1) is not (']' or '\0'))
        {
            at++;
            (CharClass? end, last) = ParseOne(ref at);
            if (end is not null || last < first)
                throw Refuse("a malformed range", at);
        }

        set.AddRange(first, last);
    }

    private (CharClass? Set, int CodePoint) ParseOne(ref int at)
    {
        if (_pattern[at] == '\\')
            return ParseEscape(ref at);
        int codePoint = char.IsSurrogatePair(_pattern, at) ? char.ConvertToUtf32(_pattern, at) : _pattern[at];
        at += codePoint > 0xFFFF ? 2 : 1;
        return (null, codePoint);
    }

    private CharClass ParseProperty(bool negated, ref int at)
    {
        int close = Peek(at) == '{' ? _pattern.IndexOf('}', at) : -1;
        if (close < 0)
            throw Refuse("\\p without braces", at);
        string name = _pattern[(at + 1)..close];
        if (name.StartsWith('^'))
            (name, negated) = (name[1..], !negated);
        CharClass set = new();
        uint mask = UnicodeCategories.Mask(name);
        if (mask != 0)
            set.AddCategories(mask);
        else if (UnicodeScripts.TryGet(name, out (int First, int Last)[] ranges))
            foreach ((int first, int last) in ranges)
                set.AddRange(first, last);
        else
            throw Refuse($"the property \\p{{{name}}}", at);
        at = close + 1;
        return (negated ? set.Negate() : set).Freeze();
    }

    private int ParseHex(char kind, ref int at)
    {
        int start = at;
        int length = kind == 'u' ? 4 : 2;
        if (Peek(at) == '{')
        {
            start++;
            length = _pattern.IndexOf('}', at) - start;
            at = start + length + 1;
        }
        else
        {
            at += length;
        }

        if (length < 1 || start + length > _pattern.Length
            || !int.TryParse(_pattern.AsSpan(start, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value)
            || value is < 0 or > 0x10FFFF)
        {
            throw Refuse("a malformed hexadecimal escape", start);
        }

        return value;
    }

    private char Peek(int at) => at < _pattern.Length ? _pattern[at] : '\0';

    private static FormatException Refuse(string what, int at) => new($"{what} at character {at} of the split pattern is not supported");
}
