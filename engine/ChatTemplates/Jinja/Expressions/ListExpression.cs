using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>[a, b] or (a, b).</summary>
internal sealed class ListExpression(IReadOnlyList<Expression> items, bool isTuple) : Expression
{
    public IReadOnlyList<Expression> Items { get; } = items;

    protected override object? Compute(Scope scope) => new JinjaList(Items.Select(item => item.Evaluate(scope))) { IsTuple = isTuple };
}
