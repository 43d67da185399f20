using System.Text;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Values;

/// <summary>Strings seen as Python sees them: sequences of code points, not of UTF-16 units.</summary>
internal static class CodePoints
{
    public static int Count(string text)
    {
        int count = text.Length;
        for (int i = 0; i + 1 < text.Length; i++)
        {
            if (char.IsSurrogatePair(text[i], text[i + 1]))
                count--;
        }

        return count;
    }

    /// <summary>Each code point as a string; a lone half of a pair is one of its own.</summary>
    public static IEnumerable<string> Split(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
                yield return text.Substring(i++, 2);
            else
                yield return text[i].ToString();
        }
    }

    public static int Compare(string left, string right)
    {
        int length = left.AsSpan().CommonPrefixLength(right);
        if (length == left.Length || length == right.Length)
            return left.Length.CompareTo(right.Length);
        // Surrogates sort after the rest of the plane in code point order, unlike their units.
        bool leftPair = char.IsSurrogate(left[length]);
        bool rightPair = char.IsSurrogate(right[length]);
        return leftPair == rightPair ? left[length].CompareTo(right[length]) : leftPair ? 1 : -1;
    }

    /// <summary>Python's str.isspace, which also counts the four information separators.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    /// <summary>Python's strip: code points of the set go from either end; null stands for white space.</summary>
    public static string Trim(string text, string? set, bool left, bool right)
    {
        int start = 0;
        int end = text.Length;
        while (left && start < end && IsIn(text, start, LengthAt(text, start), set))
            start += LengthAt(text, start);
        while (right && end > start && IsIn(text, end - LengthBefore(text, end), LengthBefore(text, end), set))
            end -= LengthBefore(text, end);
        return text[start..end];
    }

    public static string Reverse(string text) => string.Concat(Split(text).Reverse());

    public static string Capitalize(string text)
    {
        if (text.Length == 0)
            return text;
        int first = text.Length > 1 && char.IsSurrogatePair(text[0], text[1]) ? 2 : 1;
        return text[..first].ToUpperInvariant() + text[first..].ToLowerInvariant();
    }

    /// <summary>Upper-cases each first letter of a run of letters and lower-cases the rest, like Python's title().</summary>
    public static string Title(string text)
    {
        StringBuilder result = new(text.Length);
        bool inWord = false;
        foreach (char c in text)
        {
            bool isLetter = char.IsLetter(c);
            result.Append(!isLetter ? c : inWord ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            inWord = isLetter;
        }

        return result.ToString();
    }

    private static int LengthAt(string text, int at) => at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;

    private static int LengthBefore(string text, int at) => at >= 2 && char.IsSurrogatePair(text[at - 2], text[at - 1]) ? 2 : 1;

    private static bool IsIn(string text, int at, int length, string? set)
    {
        if (set is null)
            return IsSpace(text[at]);
        for (int i = 0; i < set.Length; i += LengthAt(set, i))
        {
            if (LengthAt(set, i) == length && string.CompareOrdinal(set, i, text, at, length) == 0)
                return true;
        }

        return false;
    }
}
