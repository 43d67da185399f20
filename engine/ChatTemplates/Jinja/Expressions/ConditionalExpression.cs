using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>a if condition else b; without the else, undefined.</summary>
internal sealed class ConditionalExpression(Expression condition, Expression then, Expression? otherwise) : Expression
{
    protected override object? Compute(Scope scope)
    {
        if (Truth.IsTrue(condition.Evaluate(scope)))
            return then.Evaluate(scope);
        return otherwise is null ? new Undefined("else") : otherwise.Evaluate(scope);
    }
}
