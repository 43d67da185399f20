using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>a + b and the other arithmetic.</summary>
internal sealed class BinaryExpression(string op, Expression left, Expression right) : Expression
{
    protected override object? Compute(Scope scope)
    {
        object? a = left.Evaluate(scope);
        object? b = right.Evaluate(scope);
        if (a is Undefined || b is Undefined)
        {
            Undefined missing = (a as Undefined) ?? (Undefined)b!;
            throw new ChatTemplateException($"The chat template uses '{missing.Name}', which this conversation does not have.");
        }

        switch (op, a, b)
        {
            case ("+", string x, string y):
                scope.Budget.ChargeText(x.Length + (long)y.Length);
                return x + y;
            case ("+", JinjaList x, JinjaList y):
                scope.Budget.Charge(x.Count + y.Count);
                return new JinjaList(x.Concat(y)) { IsTuple = x.IsTuple };
            case ("*", string or JinjaList, long or bool):
                return Arithmetic.Repeat(a, b, scope.Budget);
            case ("*", long or bool, string or JinjaList):
                return Arithmetic.Repeat(b, a, scope.Budget);
            default:
                return Arithmetic.Apply(op, a, b);
        }
    }
}
