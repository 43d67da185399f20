using System.Text;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>Filters that see their value as text.</summary>
internal static class StringFilters
{
    public static void AddTo(Dictionary<string, Filter> filters)
    {
        filters["trim"] = OnText((text, arguments, _) => StringMethods.Trim(text, arguments, left: true, right: true));
        filters["upper"] = OnText((text, _, _) => text.ToUpperInvariant());
        filters["lower"] = OnText((text, _, _) => text.ToLowerInvariant());
        filters["capitalize"] = OnText((text, _, _) => CodePoints.Capitalize(text));
        filters["title"] = OnText((text, _, _) => Title(text));
        filters["replace"] = OnText((text, arguments, budget) => StringMethods.Replace(
            text,
            PythonText.Str(arguments.Require(0, "old", "replace"), budget),
            PythonText.Str(arguments.Require(1, "new", "replace"), budget),
            arguments.Get(2, "count", null) is null ? -1 : arguments.Number(2, "count", -1, "replace"),
            budget));
        filters["indent"] = OnText(Indent);
        filters["center"] = OnText(Center);
        filters["wordcount"] = OnText((text, _, _) => (long)text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length);
        filters["escape"] = OnText((text, _, _) => Escape(text));
        filters["e"] = filters["escape"];
    }

    private static Filter OnText(Func<string, CallArguments, RenderBudget, object?> body) => (value, arguments, budget) =>
    {
        string text = PythonText.Str(value, budget);
        budget.ChargeText(text.Length);
        return body(text, arguments, budget);
    };

    // Words begin after white space, hyphens and opening brackets; unlike the method, an apostrophe does not begin one.
    private static string Title(string text)
    {
        StringBuilder result = new(text.Length);
        bool atStart = true;
        foreach (char c in text)
        {
            bool separates = char.IsWhiteSpace(c) || c is '-' or '(' or '{' or '[' or '<';
            result.Append(separates ? c : atStart ? char.ToUpperInvariant(c) : char.ToLowerInvariant(c));
            atStart = separates;
        }

        return result.ToString();
    }

    private static object? Indent(string text, CallArguments arguments, RenderBudget budget)
    {
        string indent = arguments.Get(0, "width", 4L) is string some
            ? some
            : new string(' ', (int)Math.Clamp(arguments.Number(0, "width", 4, "indent"), 0, 1000));
        bool first = arguments.Flag(1, "first");
        bool blank = arguments.Flag(2, "blank");
        TemplateOutput output = new(budget);
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (i > 0)
                output.Write("\n");
            if (i == 0 ? first : blank || lines[i].Length > 0)
                output.Write(indent);
            output.Write(lines[i]);
        }

        return output.ToString();
    }

    private static object? Center(string text, CallArguments arguments, RenderBudget budget)
    {
        long width = arguments.Number(0, "width", 80, "center");
        int length = CodePoints.Count(text);
        if (width <= length)
            return text;
        budget.ChargeText(width);
        int missing = (int)width - length;
        // Python leaves the odd space on the left if the width is odd.
        int left = missing / 2 + (missing & (int)width & 1);
        return new string(' ', left) + text + new string(' ', missing - left);
    }

    private static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal);
}
