using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>The filters by name.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Filter> ByName = new()
    {
        ["default"] = Default,
        ["d"] = Default,
        ["tojson"] = JsonText.Write,
        ["length"] = (value, _, _) => Length(value),
        ["count"] = (value, _, _) => Length(value),
        ["string"] = (value, _, budget) => PythonText.Str(value, budget),
        ["safe"] = (value, _, budget) => PythonText.Str(value, budget),
        ["items"] = (value, _, budget) => value switch
        {
            JinjaDict dict => DictMethods.Items(dict, budget),
            Undefined => new JinjaList(),
            _ => throw new ChatTemplateException($"The chat template asks for the items of a {PythonText.TypeName(value)}."),
        },
        ["attr"] = (value, arguments, budget) => Expressions.Members.Attribute(value, arguments.Text(0, "name", "attr"), budget),
    };

    static Filters()
    {
        StringFilters.AddTo(ByName);
        NumberFilters.AddTo(ByName);
        ListFilters.AddTo(ByName);
        SelectionFilters.AddTo(ByName);
        SortingFilters.AddTo(ByName);
    }

    public static bool TryGet(string name, out Filter filter) => ByName.TryGetValue(name, out filter!);

    private static object? Default(object? value, CallArguments arguments, RenderBudget budget) =>
        value is Undefined || (arguments.Flag(1, "boolean") && !Truth.IsTrue(value)) ? arguments.Get(0, "default_value", "") : value;

    private static long Length(object? value) => value switch
    {
        string text => CodePoints.Count(text),
        JinjaList list => list.Count,
        JinjaDict dict => dict.Count,
        Undefined => 0,
        _ => throw new ChatTemplateException($"The chat template asks for the length of a {PythonText.TypeName(value)}, which has none."),
    };
}
