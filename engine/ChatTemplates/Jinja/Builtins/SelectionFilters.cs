using System.Globalization;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>map, select, reject, selectattr, rejectattr, unique, groupby.</summary>
internal static class SelectionFilters
{
    public static void AddTo(Dictionary<string, Filter> filters)
    {
        filters["map"] = Map;
        filters["select"] = (value, arguments, budget) => Select(value, arguments, budget, keeps: true, byAttribute: false);
        filters["reject"] = (value, arguments, budget) => Select(value, arguments, budget, keeps: false, byAttribute: false);
        filters["selectattr"] = (value, arguments, budget) => Select(value, arguments, budget, keeps: true, byAttribute: true);
        filters["rejectattr"] = (value, arguments, budget) => Select(value, arguments, budget, keeps: false, byAttribute: true);
        filters["unique"] = Unique;
        filters["groupby"] = GroupBy;
    }

    /// <summary>The value at a path such as "function.name" or 0 within an item.</summary>
    public static object? Path(object? item, object? path, RenderBudget budget)
    {
        if (path is not string text)
            return Expressions.Members.Item(item, path, budget);
        foreach (string part in text.Split('.'))
        {
            object index = long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : part;
            item = Expressions.Members.Item(item, index, budget);
        }

        return item;
    }

    private static JinjaList Map(object? value, CallArguments arguments, RenderBudget budget)
    {
        JinjaList items = ItemsIfAny(value, budget);
        if (arguments.Positional.Count == 0)
        {
            object? path = arguments.Require(0, "attribute", "map");
            bool hasDefault = arguments.Keywords.TryGetValue("default", out object? otherwise);
            return new JinjaList(items.Select(item => Path(item, path, budget) is object found and not Undefined || !hasDefault
                ? Path(item, path, budget)
                : otherwise));
        }

        string name = arguments.Text(0, "filter", "map");
        if (!Filters.TryGet(name, out Filter filter))
            throw new ChatTemplateException($"The chat template maps with the filter '{name}', which does not exist.");
        CallArguments rest = Rest(arguments, 1);
        return new JinjaList(items.Select(item => filter(item, rest, budget)));
    }

    private static JinjaList Select(object? value, CallArguments arguments, RenderBudget budget, bool keeps, bool byAttribute)
    {
        object? path = byAttribute ? arguments.Require(0, "attribute", "selectattr") : null;
        int testAt = byAttribute ? 1 : 0;
        Test test = static (item, _, _) => Truth.IsTrue(item);
        if (testAt < arguments.Positional.Count)
        {
            string name = arguments.Text(testAt, "test", "select");
            if (!Tests.TryGet(name, out test))
                throw new ChatTemplateException($"The chat template selects with the test '{name}', which does not exist.");
        }

        CallArguments rest = Rest(arguments, testAt + 1);
        return new JinjaList(ItemsIfAny(value, budget)
            .Where(item => test(byAttribute ? Path(item, path, budget) : item, rest, budget) == keeps));
    }

    // Jinja's own guard: "tools | selectattr(...)" is empty where tools is none, though a loop over none fails.
    private static JinjaList ItemsIfAny(object? value, RenderBudget budget) => Truth.IsTrue(value) ? Iteration.Items(value, budget) : [];

    private static JinjaList Unique(object? value, CallArguments arguments, RenderBudget budget)
    {
        bool caseSensitive = arguments.Flag(0, "case_sensitive");
        object? path = arguments.Get(1, "attribute", null);
        JinjaList seen = [];
        JinjaList result = [];
        foreach (object? item in Iteration.Items(value, budget))
        {
            object? key = path is null ? item : Path(item, path, budget);
            if (key is string text && !caseSensitive)
                key = text.ToLowerInvariant();
            if (seen.Exists(other => Truth.AreEqual(key, other, budget)))
                continue;
            seen.Add(key);
            result.Add(item);
        }

        return result;
    }

    private static JinjaList GroupBy(object? value, CallArguments arguments, RenderBudget budget)
    {
        object? path = arguments.Require(0, "attribute", "groupby");
        JinjaList groups = [];
        foreach (object? item in SortingFilters.Sort(Iteration.Items(value, budget), item => Path(item, path, budget), false, false, budget))
        {
            object? key = Path(item, path, budget);
            if (groups.Count == 0 || !Truth.AreEqual(((JinjaList)groups[^1]!)[0], key, budget))
                groups.Add(JinjaList.Tuple(key, new JinjaList()));
            ((JinjaList)((JinjaList)groups[^1]!)[1]!).Add(item);
        }

        return groups;
    }

    private static CallArguments Rest(CallArguments arguments, int start)
    {
        CallArguments rest = new();
        rest.Positional.AddRange(arguments.Positional.Skip(start));
        foreach ((string name, object? value) in arguments.Keywords)
            rest.Keywords[name] = value;
        return rest;
    }
}
