using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>-a, +a.</summary>
internal sealed class SignExpression(Expression operand, bool isNegative) : Expression
{
    protected override object? Compute(Scope scope) => operand.Evaluate(scope) switch
    {
        long number => isNegative ? Arithmetic.Subtract(0L, number) : number,
        double number => isNegative ? -number : number,
        bool flag => (isNegative ? -1L : 1L) * (flag ? 1 : 0),
        var other => throw new ChatTemplateException($"The chat template puts a sign before a {PythonText.TypeName(other)}."),
    };
}
