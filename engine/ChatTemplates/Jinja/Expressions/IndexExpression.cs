namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>a[b]</summary>
internal sealed class IndexExpression(Expression owner, Expression index) : Expression
{
    protected override object? Compute(Scope scope) => Members.Item(owner.Evaluate(scope), index.Evaluate(scope), scope.Budget);
}
