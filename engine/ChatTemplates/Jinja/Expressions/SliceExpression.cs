using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>a[start:stop:step], each part optional.</summary>
internal sealed class SliceExpression(Expression owner, Expression? start, Expression? stop, Expression? step) : Expression
{
    protected override object? Compute(Scope scope)
    {
        object? value = owner.Evaluate(scope);
        long? Part(Expression? part) => part?.Evaluate(scope) switch
        {
            null => null,
            long number => number,
            var other => throw new ChatTemplateException($"The chat template slices with a {PythonText.TypeName(other)}."),
        };
        (long? from, long? to, long by) = (Part(start), Part(stop), Part(step) ?? 1);
        switch (value)
        {
            case string text:
                scope.Budget.ChargeText(text.Length);
                return string.Concat(Slice([.. CodePoints.Split(text)], from, to, by));
            case JinjaList list:
                scope.Budget.Charge(list.Count);
                return new JinjaList(Slice(list, from, to, by)) { IsTuple = list.IsTuple };
            case Undefined:
                return value;
            default:
                throw new ChatTemplateException($"The chat template slices a {PythonText.TypeName(value)}.");
        }
    }

    private static IEnumerable<T> Slice<T>(List<T> items, long? from, long? to, long by)
    {
        if (by == 0)
            throw new ChatTemplateException("The chat template slices with a step of zero.");
        long first = by > 0 ? 0 : -1;
        long last = by > 0 ? items.Count : items.Count - 1;
        long Bound(long? position, long otherwise) =>
            position is not long p ? otherwise : Math.Clamp(p < 0 ? p + items.Count : p, first, last);
        long at = Bound(from, by > 0 ? first : last);
        long end = Bound(to, by > 0 ? last : first);
        // A step beyond the list's length only ever takes the first item; clamped so that the position cannot overflow.
        by = Math.Clamp(by, -items.Count - 1L, items.Count + 1L);
        for (; by > 0 ? at < end : at > end; at += by)
            yield return items[(int)at];
    }
}
