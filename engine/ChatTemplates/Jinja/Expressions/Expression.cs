namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>A piece of a template that has a value. Immutable; any thread may evaluate it.</summary>
internal abstract class Expression
{
    public object? Evaluate(Scope scope)
    {
        scope.Budget.Charge(1);
        using (scope.Budget.Deeper())
            return Compute(scope);
    }

    protected abstract object? Compute(Scope scope);
}
