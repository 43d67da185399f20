namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>a.b</summary>
internal sealed class AttributeExpression(Expression owner, string name) : Expression
{
    protected override object? Compute(Scope scope) => Members.Attribute(owner.Evaluate(scope), name, scope.Budget);
}
