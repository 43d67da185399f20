using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>Methods of dictionaries. Those that would change one do not exist: templates run in an immutable sandbox.</summary>
internal static class DictMethods
{
    /// <summary>The method, or null if there is none of this name.</summary>
    public static JinjaFunction? Find(JinjaDict dict, string name, RenderBudget budget) => name switch
    {
        "items" => new JinjaFunction(name, _ => Items(dict, budget)),
        "keys" => new JinjaFunction(name, _ => Copy(dict.Keys, dict.Count, budget)),
        "values" => new JinjaFunction(name, _ => Copy(dict.Values, dict.Count, budget)),
        "get" => new JinjaFunction(name, arguments =>
            dict.TryGet(arguments.Require(0, "key", "get"), out object? value) ? value : arguments.Get(1, "default", null)),
        _ => null,
    };

    public static JinjaList Items(JinjaDict dict, RenderBudget budget) =>
        Copy(dict.Entries.Select(entry => JinjaList.Tuple(entry.Key, entry.Value)), dict.Count, budget);

    private static JinjaList Copy(IEnumerable<object?> items, int count, RenderBudget budget)
    {
        budget.Charge(count);
        return new JinjaList(items);
    }
}
