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
}
