using MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>a | filter(b)</summary>
internal sealed class FilterExpression(Expression operand, Filter filter, CallArgumentList arguments) : Expression
{
    protected override object? Compute(Scope scope) => filter(operand.Evaluate(scope), arguments.Evaluate(scope), scope.Budget);
}
