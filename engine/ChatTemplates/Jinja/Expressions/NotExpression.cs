using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>not a.</summary>
internal sealed class NotExpression(Expression operand) : Expression
{
    protected override object? Compute(Scope scope) => !Truth.IsTrue(operand.Evaluate(scope));
}
