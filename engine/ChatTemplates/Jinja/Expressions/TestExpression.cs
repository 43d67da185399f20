using MegaInfer.Engine.ChatTemplates.Jinja.Builtins;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>a is test(b), a is not test</summary>
internal sealed class TestExpression(Expression operand, Test test, CallArgumentList arguments, bool isNegated) : Expression
{
    protected override object? Compute(Scope scope) =>
        test(operand.Evaluate(scope), arguments.Evaluate(scope), scope.Budget) != isNegated;
}
