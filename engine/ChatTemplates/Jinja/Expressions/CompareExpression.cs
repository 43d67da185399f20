namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>a &lt; b &lt;= c, in, not in: a chain holds if each pair does.</summary>
internal sealed class CompareExpression(Expression first, IReadOnlyList<(string Op, Expression Operand)> rest) : Expression
{
    protected override object? Compute(Scope scope)
    {
        object? left = first.Evaluate(scope);
        foreach ((string op, Expression operand) in rest)
        {
            object? right = operand.Evaluate(scope);
            if (!Comparison.Holds(op, left, right, scope.Budget))
                return false;
            left = right;
        }

        return true;
    }
}
