using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

/// <summary>Filters that see their value as a list.</summary>
internal static class ListFilters
{
    public static void AddTo(Dictionary<string, Filter> filters)
    {
        filters["list"] = (value, _, budget) => new JinjaList(Iteration.Items(value, budget));
        filters["first"] = (value, _, budget) => Iteration.Items(value, budget) is { Count: > 0 } items ? items[0] : new Undefined("first");
        filters["last"] = (value, _, budget) => Iteration.Items(value, budget) is { Count: > 0 } items ? items[^1] : new Undefined("last");
        filters["join"] = Join;
        filters["reverse"] = (value, _, budget) => value is string text
            ? CodePoints.Reverse(text)
            : new JinjaList(Enumerable.Reverse(Iteration.Items(value, budget)));
        filters["sum"] = Sum;
        filters["batch"] = Batch;
        filters["slice"] = Slice;
    }

    private static string Join(object? value, CallArguments arguments, RenderBudget budget)
    {
        JinjaList items = Iteration.Items(value, budget);
        if (arguments.Get(1, "attribute", null) is object attribute)
            items = new JinjaList(items.Select(item => SelectionFilters.Path(item, attribute, budget)));
        return StringMethods.Join(items, PythonText.Str(arguments.Get(0, "d", ""), budget), budget);
    }

    private static object? Sum(object? value, CallArguments arguments, RenderBudget budget)
    {
        object? total = arguments.Get(1, "start", 0L);
        object? attribute = arguments.Get(0, "attribute", null);
        foreach (object? item in Iteration.Items(value, budget))
            total = Expressions.Arithmetic.Apply("+", total, attribute is null ? item : SelectionFilters.Path(item, attribute, budget));
        return total;
    }

    private static JinjaList Batch(object? value, CallArguments arguments, RenderBudget budget)
    {
        long size = arguments.Number(0, "linecount", 0, "batch");
        if (size <= 0)
            throw new ChatTemplateException("The chat template asks for batches of no items.");
        JinjaList batches = [];
        foreach (object? item in Iteration.Items(value, budget))
        {
            if (batches.Count == 0 || ((JinjaList)batches[^1]!).Count == size)
                batches.Add(new JinjaList());
            ((JinjaList)batches[^1]!).Add(item);
        }

        if (batches.Count > 0 && arguments.Get(1, "fill_with", null) is object filler)
        {
            JinjaList last = (JinjaList)batches[^1]!;
            budget.Charge(size);
            while (last.Count < size)
                last.Add(filler);
        }

        return batches;
    }

    private static JinjaList Slice(object? value, CallArguments arguments, RenderBudget budget)
    {
        JinjaList items = Iteration.Items(value, budget);
        long slices = arguments.Number(0, "slices", 0, "slice");
        if (slices <= 0)
            throw new ChatTemplateException("The chat template asks for no slices.");
        budget.Charge(slices);
        JinjaList result = [];
        int done = 0;
        for (long i = 0; i < slices; i++)
        {
            int count = (int)(items.Count / slices + (i < items.Count % slices ? 1 : 0));
            result.Add(new JinjaList(items.Skip(done).Take(count)));
            done += count;
        }

        return result;
    }
}
