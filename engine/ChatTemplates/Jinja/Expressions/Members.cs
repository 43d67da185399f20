using MegaInfer.Engine.ChatTemplates.Jinja.Builtins;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>Attributes and items. As in Jinja, a.b tries the attribute first and a['b'] the item first, then the other.</summary>
internal static class Members
{
    public static object? Attribute(object? owner, string name, RenderBudget budget) =>
        TryAttribute(owner, name, budget, out object? value) || TryItem(owner, name, out value) ? value : new Undefined(name);

    public static object? Item(object? owner, object? index, RenderBudget budget)
    {
        if (TryItem(owner, index, out object? value) || (index is string name && TryAttribute(owner, name, budget, out value)))
            return value;
        return new Undefined(PythonText.Str(index, budget));
    }

    private static bool TryAttribute(object? owner, string name, RenderBudget budget, out object? value)
    {
        value = owner switch
        {
            string text => StringMethods.Find(text, name, budget),
            JinjaDict dict => DictMethods.Find(dict, name, budget),
            JinjaList list => ListMethods.Find(list, name, budget),
            Statements.LoopState loop => loop.Attribute(name, budget),
            Undefined missing => throw new ChatTemplateException(
                $"The chat template uses '{name}' of '{missing.Name}', which this conversation does not have."),
            _ => null,
        };
        if (owner is JinjaNamespace space)
            return space.Attributes.TryGetValue(name, out value);
        return value is not null || (owner is Statements.LoopState && Statements.LoopState.HasAttribute(name));
    }

    private static bool TryItem(object? owner, object? index, out object? value)
    {
        value = null;
        switch (owner)
        {
            case JinjaDict dict when index is null or string or long or double or bool:
                return dict.TryGet(index, out value);
            case JinjaList list when index is long or bool:
                return TryAt(list, index is bool flag ? (flag ? 1 : 0) : (long)index, out value);
            case string text when index is long position:
                return TryAt(new JinjaList(CodePoints.Split(text)), position, out value);
            case Undefined missing:
                throw new ChatTemplateException($"The chat template looks into '{missing.Name}', which this conversation does not have.");
            default:
                return false;
        }
    }

    private static bool TryAt(JinjaList list, long index, out object? value)
    {
        long at = index < 0 ? index + list.Count : index;
        bool found = at >= 0 && at < list.Count;
        value = found ? list[(int)at] : null;
        return found;
    }
}
