using System.Text;

namespace MegaInfer.Engine.Tokenization;

/// <summary>
/// Finds stop strings in text that comes in pieces. Returns text as soon as it cannot be part of a stop string any more, and
/// nothing from the stop string on. The stop string that is complete first wins, whatever the pieces; of several complete at
/// the same character the longest. One thread at a time.
/// </summary>
public sealed class StopStringMatcher
{
    private readonly Pattern[] _patterns;
    private readonly StringBuilder _held = new();

    /// <param name="stopStrings">What to look for; empty ones are never found.</param>
    public StopStringMatcher(IEnumerable<string> stopStrings) =>
        _patterns = [.. stopStrings.Where(stop => stop.Length > 0).Select(stop => new Pattern(stop))];

    /// <summary>The stop string that was found, or null.</summary>
    public string? Matched { get; private set; }

    /// <summary>The next piece of text; returns what may be shown now. After a match everything is swallowed.</summary>
    public string Append(string text)
    {
        if (Matched is not null)
            return "";
        if (_patterns.Length == 0)
            return text;
        for (int i = 0; i < text.Length; i++)
        {
            _held.Append(text[i]);
            Pattern? found = null;
            foreach (Pattern pattern in _patterns)
            {
                if (pattern.Advance(text[i]) && pattern.Text.Length > (found?.Text.Length ?? 0))
                    found = pattern;
            }

            if (found is not null)
            {
                Matched = found.Text;
                return Release(_held.Length - found.Text.Length);
            }
        }

        return Release(_held.Length - _patterns.Max(pattern => pattern.Progress));
    }

    /// <summary>The text is over: returns what was held back as the possible start of a stop string.</summary>
    public string Flush() => Matched is null ? Release(_held.Length) : "";

    private string Release(int length)
    {
        string text = _held.ToString(0, length);
        _held.Remove(0, length);
        return text;
    }

    // One stop string with how much of it the text ends in (Knuth, Morris and Pratt).
    private sealed class Pattern
    {
        // At i: length of the longest proper beginning of the first i + 1 characters that is also their end.
        private readonly int[] _fallback;

        public Pattern(string text)
        {
            Text = text;
            _fallback = new int[text.Length];
            for (int i = 1; i < text.Length; i++)
                _fallback[i] = Step(_fallback[i - 1], text[i]);
        }

        public string Text { get; }

        public int Progress { get; private set; }

        public bool Advance(char c)
        {
            Progress = Step(Progress, c);
            return Progress == Text.Length;
        }

        private int Step(int length, char c)
        {
            while (length > 0 && (length == Text.Length || Text[length] != c))
                length = _fallback[length - 1];
            return Text[length] == c ? length + 1 : 0;
        }
    }
}
