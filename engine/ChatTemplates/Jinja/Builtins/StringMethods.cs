using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>Python's string methods that templates use.</summary>
internal static class StringMethods
{
    private static readonly Dictionary<string, Func<string, CallArguments, RenderBudget, object?>> ByName = new()
    {
        ["upper"] = (text, _, _) => text.ToUpperInvariant(),
        ["lower"] = (text, _, _) => text.ToLowerInvariant(),
        ["title"] = (text, _, _) => CodePoints.Title(text),
        ["capitalize"] = (text, _, _) => CodePoints.Capitalize(text),
        ["strip"] = (text, arguments, _) => Trim(text, arguments, left: true, right: true),
        ["lstrip"] = (text, arguments, _) => Trim(text, arguments, left: true, right: false),
        ["rstrip"] = (text, arguments, _) => Trim(text, arguments, left: false, right: true),
        ["startswith"] = (text, arguments, _) => Any(arguments, "startswith", part => text.StartsWith(part, StringComparison.Ordinal)),
        ["endswith"] = (text, arguments, _) => Any(arguments, "endswith", part => text.EndsWith(part, StringComparison.Ordinal)),
        ["removeprefix"] = (text, arguments, _) =>
            text.StartsWith(arguments.Text(0, "prefix", "removeprefix"), StringComparison.Ordinal) ? text[arguments.Text(0, "prefix", "").Length..] : text,
        ["removesuffix"] = (text, arguments, _) =>
            text.EndsWith(arguments.Text(0, "suffix", "removesuffix"), StringComparison.Ordinal) ? text[..^arguments.Text(0, "suffix", "").Length] : text,
        ["split"] = (text, arguments, budget) => StringSplitting.Split(text, arguments, budget, fromRight: false),
        ["rsplit"] = (text, arguments, budget) => StringSplitting.Split(text, arguments, budget, fromRight: true),
        ["splitlines"] = (text, arguments, budget) => StringSplitting.Lines(text, arguments, budget),
        ["partition"] = (text, arguments, _) => StringSplitting.Partition(text, arguments.Text(0, "sep", "partition"), fromRight: false),
        ["rpartition"] = (text, arguments, _) => StringSplitting.Partition(text, arguments.Text(0, "sep", "rpartition"), fromRight: true),
        ["replace"] = (text, arguments, budget) => Replace(
            text, arguments.Text(0, "old", "replace"), arguments.Text(1, "new", "replace"), arguments.Number(2, "count", -1, "replace"), budget),
        ["join"] = (text, arguments, budget) => Join(Iteration.Items(arguments.Require(0, "iterable", "join"), budget), text, budget),
        ["find"] = (text, arguments, _) => Position(text, text.IndexOf(arguments.Text(0, "sub", "find"), StringComparison.Ordinal)),
        ["rfind"] = (text, arguments, _) => Position(text, text.LastIndexOf(arguments.Text(0, "sub", "rfind"), StringComparison.Ordinal)),
        ["index"] = (text, arguments, _) => text.IndexOf(arguments.Text(0, "sub", "index"), StringComparison.Ordinal) is int at and >= 0
            ? Position(text, at)
            : throw new ChatTemplateException("The chat template asks for the index of a string that is not there."),
        ["count"] = (text, arguments, _) => Count(text, arguments.Text(0, "sub", "count")),
        ["isdigit"] = (text, _, _) => text.Length > 0 && text.All(char.IsDigit),
        ["isnumeric"] = (text, _, _) => text.Length > 0 && text.All(char.IsNumber),
        ["isalpha"] = (text, _, _) => text.Length > 0 && text.All(char.IsLetter),
        ["isalnum"] = (text, _, _) => text.Length > 0 && text.All(char.IsLetterOrDigit),
        ["isspace"] = (text, _, _) => text.Length > 0 && text.All(CodePoints.IsSpace),
        ["isupper"] = (text, _, _) => text.Any(char.IsUpper) && !text.Any(char.IsLower),
        ["islower"] = (text, _, _) => text.Any(char.IsLower) && !text.Any(char.IsUpper),
    };

    /// <summary>The method, or null if there is none of this name.</summary>
    public static JinjaFunction? Find(string text, string name, RenderBudget budget)
    {
        if (!ByName.TryGetValue(name, out Func<string, CallArguments, RenderBudget, object?>? method))
            return null;
        return new JinjaFunction(name, arguments =>
        {
            budget.ChargeText(text.Length);
            return method(text, arguments, budget);
        });
    }

    public static string Replace(string text, string old, string by, long count, RenderBudget budget)
    {
        if (count < 0)
            count = long.MaxValue;
        TemplateOutput output = new(budget);
        if (old.Length == 0)
        {
            // Python puts the new text before each character and at the end.
            foreach (string character in CodePoints.Split(text))
            {
                if (count-- > 0)
                    output.Write(by);
                output.Write(character);
            }

            output.Write(count > 0 ? by : "");
            return output.ToString();
        }

        int done = 0;
        while (count-- > 0 && text.IndexOf(old, done, StringComparison.Ordinal) is int at and >= 0)
        {
            output.Write(text[done..at]);
            output.Write(by);
            done = at + old.Length;
        }

        output.Write(text[done..]);
        return output.ToString();
    }

    public static string Join(IReadOnlyList<object?> items, string separator, RenderBudget budget)
    {
        TemplateOutput output = new(budget);
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0)
                output.Write(separator);
            output.Write(PythonText.Str(items[i], budget));
        }

        return output.ToString();
    }

    public static string Trim(string text, CallArguments arguments, bool left, bool right)
    {
        object? characters = arguments.Get(0, "chars", null);
        if (characters is not (null or string))
            throw new ChatTemplateException($"The chat template strips a {PythonText.TypeName(characters)} from a string.");
        return CodePoints.Trim(text, (string?)characters, left, right);
    }

    private static bool Any(CallArguments arguments, string method, Func<string, bool> holds) => arguments.Require(0, "prefix", method) switch
    {
        string part => holds(part),
        JinjaList { IsTuple: true } parts => parts.OfType<string>().Any(holds),
        var other => throw new ChatTemplateException($"The chat template gives {method} a {PythonText.TypeName(other)}."),
    };

    private static long Position(string text, int at) => at < 0 ? -1 : CodePoints.Count(text[..at]);

    private static long Count(string text, string part)
    {
        if (part.Length == 0)
            return CodePoints.Count(text) + 1L;
        long count = 0;
        for (int at = text.IndexOf(part, StringComparison.Ordinal); at >= 0; at = text.IndexOf(part, at + part.Length, StringComparison.Ordinal))
            count++;
        return count;
    }
}
