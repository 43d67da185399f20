using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>a ~ b: both as text.</summary>
internal sealed class ConcatExpression(IReadOnlyList<Expression> parts) : Expression
{
    protected override object? Compute(Scope scope)
    {
        TemplateOutput output = new(scope.Budget);
        foreach (Expression part in parts)
            output.Write(PythonText.Str(part.Evaluate(scope), scope.Budget));
        return output.ToString();
    }
}
