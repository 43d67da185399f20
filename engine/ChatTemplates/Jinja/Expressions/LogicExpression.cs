using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>and, or: the value of the side that decides, as in Python.</summary>
internal sealed class LogicExpression(Expression left, Expression right, bool isAnd) : Expression
{
    protected override object? Compute(Scope scope)
    {
        object? value = left.Evaluate(scope);
        return Truth.IsTrue(value) == isAnd ? right.Evaluate(scope) : value;
    }
}
