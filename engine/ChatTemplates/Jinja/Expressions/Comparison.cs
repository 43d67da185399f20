using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>The comparison operators, also as tests such as "greaterthan".</summary>
internal static class Comparison
{
    public static bool Holds(string op, object? left, object? right, RenderBudget budget) => op switch
    {
        "==" => Truth.AreEqual(left, right, budget),
        "!=" => !Truth.AreEqual(left, right, budget),
        "<" => Truth.Compare(left, right, budget) < 0,
        "<=" => Truth.Compare(left, right, budget) <= 0,
        ">" => Truth.Compare(left, right, budget) > 0,
        ">=" => Truth.Compare(left, right, budget) >= 0,
        "in" => IsIn(left, right, budget),
        _ => !IsIn(left, right, budget),
    };

    private static bool IsIn(object? item, object? container, RenderBudget budget)
    {
        switch (container)
        {
            case string text when item is string part:
                budget.ChargeText(text.Length);
                return text.Contains(part, StringComparison.Ordinal);
            case JinjaList list:
                return list.Exists(other => Truth.AreEqual(item, other, budget));
            case JinjaDict dict:
                return item is null or string or long or double or bool && dict.TryGet(item, out _);
            case Undefined:
                return false;
            default:
                throw new ChatTemplateException(
                    $"The chat template looks for a {PythonText.TypeName(item)} in a {PythonText.TypeName(container)}, which is not possible.");
        }
    }
}
