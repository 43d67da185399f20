using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>sort, dictsort, min, max.</summary>
internal static class SortingFilters
{
    public static void AddTo(Dictionary<string, Filter> filters)
    {
        filters["sort"] = (value, arguments, budget) =>
        {
            object? path = arguments.Get(2, "attribute", null);
            return Sort(
                Iteration.Items(value, budget),
                item => path is null ? item : SelectionFilters.Path(item, path, budget),
                arguments.Flag(0, "reverse"),
                arguments.Flag(1, "case_sensitive"),
                budget);
        };
        filters["dictsort"] = DictSort;
        filters["min"] = (value, arguments, budget) => Extreme(value, arguments, budget, isMax: false);
        filters["max"] = (value, arguments, budget) => Extreme(value, arguments, budget, isMax: true);
    }

    /// <summary>A stable sort; strings compare without case unless asked.</summary>
    public static JinjaList Sort(
        IReadOnlyList<object?> items, Func<object?, object?> keyOf, bool isReversed, bool isCaseSensitive, RenderBudget budget)
    {
        Comparer<object?> order = Comparer<object?>.Create((a, b) => Truth.Compare(a, b, budget));
        object? Key(object? item) => keyOf(item) is string text && !isCaseSensitive ? text.ToLowerInvariant() : keyOf(item);
        try
        {
            return new JinjaList(isReversed ? items.OrderByDescending(Key, order) : items.OrderBy(Key, order));
        }
        catch (InvalidOperationException failure) when (failure.InnerException is ChatTemplateException cause)
        {
            throw new ChatTemplateException(cause.Message, cause);
        }
    }

    private static JinjaList DictSort(object? value, CallArguments arguments, RenderBudget budget)
    {
        if (value is not JinjaDict dict)
            throw new ChatTemplateException($"The chat template sorts a {PythonText.TypeName(value)} as a dictionary.");
        int part = arguments.Get(1, "by", "key") is "value" ? 1 : 0;
        return Sort(
            DictMethods.Items(dict, budget),
            item => ((JinjaList)item!)[part],
            arguments.Flag(2, "reverse"),
            arguments.Flag(0, "case_sensitive"),
            budget);
    }

    private static object? Extreme(object? value, CallArguments arguments, RenderBudget budget, bool isMax)
    {
        object? path = arguments.Get(1, "attribute", null);
        JinjaList sorted = Sort(
            Iteration.Items(value, budget),
            item => path is null ? item : SelectionFilters.Path(item, path, budget),
            isMax,
            arguments.Flag(0, "case_sensitive"),
            budget);
        return sorted.Count > 0 ? sorted[0] : new Undefined(isMax ? "max" : "min");
    }
}
