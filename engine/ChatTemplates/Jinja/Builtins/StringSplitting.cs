using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>split, rsplit, splitlines and partition, as Python has them.</summary>
internal static class StringSplitting
{
    public static object? Split(string text, CallArguments arguments, RenderBudget budget, bool fromRight)
    {
        long most = arguments.Number(1, "maxsplit", -1, "split");
        if (most < 0)
            most = long.MaxValue;
        JinjaList parts = arguments.Get(0, "sep", null) switch
        {
            null => fromRight ? AtWhiteSpaceFromRight(text, most) : AtWhiteSpace(text, most),
            "" => throw new ChatTemplateException("The chat template splits a string at an empty separator."),
            string separator => fromRight ? FromRight(text, separator, most) : FromLeft(text, separator, most),
            object other => throw new ChatTemplateException($"The chat template splits a string at a {PythonText.TypeName(other)}."),
        };
        budget.Charge(parts.Count);
        return parts;
    }

    public static object? Lines(string text, CallArguments arguments, RenderBudget budget)
    {
        bool keepsEnds = arguments.Flag(0, "keepends");
        JinjaList lines = [];
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('\n' or '\r' or '\v' or '\f' or '\x1c' or '\x1d' or '\x1e' or '\x85' or '\u2028' or '\u2029'))
                continue;
            int end = i;
            if (text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n')
                i++;
            lines.Add(text[start..(keepsEnds ? i + 1 : end)]);
            start = i + 1;
        }

        if (start < text.Length)
            lines.Add(text[start..]);
        budget.Charge(lines.Count);
        return lines;
    }

    public static object? Partition(string text, string separator, bool fromRight)
    {
        if (separator.Length == 0)
            throw new ChatTemplateException("The chat template splits a string at an empty separator.");
        int at = fromRight ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0)
            return fromRight ? JinjaList.Tuple("", "", text) : JinjaList.Tuple(text, "", "");
        return JinjaList.Tuple(text[..at], separator, text[(at + separator.Length)..]);
    }

    private static JinjaList FromLeft(string text, string separator, long most)
    {
        JinjaList parts = [];
        int done = 0;
        while (parts.Count < most && text.IndexOf(separator, done, StringComparison.Ordinal) is int at and >= 0)
        {
            parts.Add(text[done..at]);
            done = at + separator.Length;
        }

        parts.Add(text[done..]);
        return parts;
    }

    private static JinjaList FromRight(string text, string separator, long most)
    {
        JinjaList parts = [];
        int end = text.Length;
        while (parts.Count < most && text.AsSpan(0, end).LastIndexOf(separator, StringComparison.Ordinal) is int at and >= 0)
        {
            parts.Add(text[(at + separator.Length)..end]);
            end = at;
        }

        parts.Add(text[..end]);
        parts.Reverse();
        return parts;
    }

    private static JinjaList AtWhiteSpace(string text, long most)
    {
        JinjaList parts = [];
        int at = 0;
        while (true)
        {
            while (at < text.Length && CodePoints.IsSpace(text[at]))
                at++;
            if (at == text.Length)
                return parts;
            int start = at;
            while (at < text.Length && (parts.Count >= most || !CodePoints.IsSpace(text[at])))
                at++;
            parts.Add(text[start..at]);
        }
    }

    private static JinjaList AtWhiteSpaceFromRight(string text, long most)
    {
        JinjaList parts = [];
        int at = text.Length;
        while (true)
        {
            while (at > 0 && CodePoints.IsSpace(text[at - 1]))
                at--;
            if (at == 0)
                break;
            int end = at;
            while (at > 0 && (parts.Count >= most || !CodePoints.IsSpace(text[at - 1])))
                at--;
            parts.Add(text[at..end]);
        }

        parts.Reverse();
        return parts;
    }
}
