using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>{'a': 1}.</summary>
internal sealed class DictExpression(IReadOnlyList<(Expression Key, Expression Value)> entries) : Expression
{
    protected override object? Compute(Scope scope)
    {
        JinjaDict dict = new();
        foreach ((Expression key, Expression value) in entries)
            dict.Set(key.Evaluate(scope), value.Evaluate(scope));
        return dict;
    }
}
