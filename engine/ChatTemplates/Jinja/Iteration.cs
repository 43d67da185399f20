using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja;

/// <summary>What a for loop, a filter or an unpacking sees in a value.</summary>
internal static class Iteration
{
    /// <exception cref="ChatTemplateException">The value has no items.</exception>
    public static JinjaList Items(object? value, RenderBudget budget)
    {
        JinjaList items = value switch
        {
            JinjaList list => list,
            JinjaDict dict => [.. dict.Keys],
            string text => [.. CodePoints.Split(text)],
            Undefined => [],
            _ => throw new ChatTemplateException($"The chat template goes through the items of a {PythonText.TypeName(value)}, which has none."),
        };
        budget.Charge(items.Count);
        return items;
    }

    public static bool IsIterable(object? value) => value is JinjaList or JinjaDict or string or Undefined;
}
