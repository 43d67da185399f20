using System.Globalization;

namespace MegaInfer.Engine.Tokenization.Patterns;

/// <summary>
/// Parses the part of Oniguruma's syntax that tokenizer files use. Anything else is refused by name: a pattern that is
/// understood only partly would give wrong token ids without a word.
/// </summary>
internal sealed class PatternParser
{
    private const int MaxDepth = 64;
    private const int MaxRepeat = 1000;

    private readonly string _pattern;
    private int _at;
    private bool _ignoreCase;
    private int _depth;

    private PatternParser(string pattern) => _pattern = pattern;

    /// <exception cref="FormatException">The pattern uses something this engine does not have; the message says what.</exception>
    public static PatternNode Parse(string pattern)
    {
        PatternParser parser = new(pattern);
        PatternNode node = parser.ParseChoice();
        if (parser._at < pattern.Length)
            throw parser.Refuse("an unmatched ')'");
        return node;
    }

    private PatternNode ParseChoice()
    {
        if (++_depth > MaxDepth)
            throw Refuse("groups nested too deeply");
        List<PatternNode> branches = [ParseSequence()];
        while (TryTake('|'))
            branches.Add(ParseSequence());
        _depth--;
        return branches.Count == 1 ? branches[0] : new PatternNode.Choice(branches);
    }

    private PatternNode.Sequence ParseSequence()
    {
        List<PatternNode> items = [];
        bool outer = _ignoreCase;
        while (_at < _pattern.Length && _pattern[_at] is not ('|' or ')'))
        {
            PatternNode? atom = ParseAtom();
            if (atom is not null)
                items.Add(ParseQuantifiers(atom));
        }

        _ignoreCase = outer;
        return new PatternNode.Sequence(items);
    }

    private PatternNode? ParseAtom()
    {
        char c = _pattern[_at];
        switch (c)
        {
            case '(':
                return ParseGroup();
            case '[':
                _at++;
                return new PatternNode.One(ClassParser().Parse(_ignoreCase, ref _at));
            case '.':
                _at++;
                return new PatternNode.One(CharClass.AnyButLineFeed);
            case '^':
                _at++;
                return new PatternNode.LineStart();
            case '$':
                _at++;
                return new PatternNode.LineEnd();
            case '*' or '+' or '?':
                throw Refuse($"'{c}' with nothing to repeat");
            case '\\':
                return ParseEscape();
            default:
                return Literal(TakeCodePoint());
        }
    }

    private PatternNode ParseEscape()
    {
        if (_at + 1 < _pattern.Length)
        {
            switch (_pattern[_at + 1])
            {
                case 'A':
                    _at += 2;
                    return new PatternNode.TextStart();
                case 'z':
                    _at += 2;
                    return new PatternNode.TextEnd();
                case 'b' or 'B' or 'G' or 'Z' or 'K' or 'R' or 'X' or 'k' or 'g' or (>= '1' and <= '9'):
                    throw Refuse($"'\\{_pattern[_at + 1]}'");
            }
        }

        (CharClass? set, int codePoint) = ClassParser().ParseEscape(ref _at);
        return set is null ? Literal(codePoint) : new PatternNode.One(set);
    }

    private PatternNode.One Literal(int codePoint)
    {
        CharClass set = new CharClass().AddRange(codePoint, codePoint);
        return new PatternNode.One((_ignoreCase ? set.FoldCase() : set).Freeze());
    }

    private PatternNode? ParseGroup()
    {
        _at++;
        bool outer = _ignoreCase;
        Func<PatternNode, PatternNode> wrap = static body => body;
        if (TryTake("?=") || TryTake("?!"))
        {
            bool negated = _pattern[_at - 1] == '!';
            wrap = body => new PatternNode.LookAhead(body, negated);
        }
        else if (TryTake("?<=") || TryTake("?<!"))
        {
            bool negated = _pattern[_at - 1] == '!';
            wrap = body => new PatternNode.LookBehind(SingleClass(body), negated);
        }
        else if (TryTake("?>"))
        {
            wrap = static body => new PatternNode.Atomic(body);
        }
        else if (TryTake("?i:"))
        {
            _ignoreCase = true;
        }
        else if (TryTake("?i)"))
        {
            // Holds to the end of the enclosing group, where ParseSequence restores it.
            _ignoreCase = true;
            return null;
        }
        else if (!TryTake("?:") && _at < _pattern.Length && _pattern[_at] == '?')
        {
            throw Refuse($"the group '({_pattern.AsSpan(_at, Math.Min(3, _pattern.Length - _at))}'");
        }

        PatternNode inner = ParseChoice();
        if (!TryTake(')'))
            throw Refuse("a '(' that is never closed");
        _ignoreCase = outer;
        return wrap(inner);
    }

    private CharClass SingleClass(PatternNode body) => body switch
    {
        PatternNode.One one => one.Class,
        PatternNode.Sequence { Items: [PatternNode.One one] } => one.Class,
        _ => throw Refuse("a look-behind of more than one character"),
    };

    private PatternNode ParseQuantifiers(PatternNode atom)
    {
        while (_at < _pattern.Length)
        {
            (int min, int max) = (0, int.MaxValue);
            bool interval = false;
            switch (_pattern[_at])
            {
                case '*':
                    _at++;
                    break;
                case '+':
                    _at++;
                    min = 1;
                    break;
                case '?':
                    _at++;
                    max = 1;
                    break;
                case '{' when TryParseInterval(out min, out max):
                    interval = true;
                    break;
                default:
                    return atom;
            }

            // In Oniguruma's Ruby syntax x{1,3}+ repeats the interval; only ?+ *+ ++ are possessive.
            RepeatMode mode = TryTake('?') ? RepeatMode.Lazy : !interval && TryTake('+') ? RepeatMode.Possessive : RepeatMode.Greedy;
            if (++_depth > MaxDepth)
                throw Refuse("repetitions nested too deeply");
            atom = new PatternNode.Repeat(atom, min, max, mode);
        }

        return atom;
    }

    private bool TryParseInterval(out int min, out int max)
    {
        (min, max) = (0, int.MaxValue);
        int close = _pattern.IndexOf('}', _at);
        if (close < 0)
            return false;
        ReadOnlySpan<char> body = _pattern.AsSpan(_at + 1, close - _at - 1);
        int comma = body.IndexOf(',');
        ReadOnlySpan<char> low = comma < 0 ? body : body[..comma];
        ReadOnlySpan<char> high = comma < 0 ? body : body[(comma + 1)..];
        if (low.IsEmpty && high.IsEmpty)
            return false;
        if (!low.IsEmpty && !int.TryParse(low, NumberStyles.None, CultureInfo.InvariantCulture, out min))
            return false;
        if (!high.IsEmpty && !int.TryParse(high, NumberStyles.None, CultureInfo.InvariantCulture, out max))
            return false;
        if (min > MaxRepeat || (max != int.MaxValue && (max > MaxRepeat || max < min)))
            throw Refuse("a repetition count out of range");
        _at = close + 1;
        return true;
    }

    private CharClassParser ClassParser() => new(_pattern);

    private int TakeCodePoint()
    {
        int codePoint = char.IsSurrogatePair(_pattern, _at) ? char.ConvertToUtf32(_pattern, _at) : _pattern[_at];
        _at += codePoint > 0xFFFF ? 2 : 1;
        return codePoint;
    }

    private bool TryTake(char c) => TryTake([c]);

    private bool TryTake(ReadOnlySpan<char> text)
    {
        if (!_pattern.AsSpan(_at).StartsWith(text, StringComparison.Ordinal))
            return false;
        _at += text.Length;
        return true;
    }

    private FormatException Refuse(string what) => new($"{what} at character {_at} of the split pattern is not supported");
}
