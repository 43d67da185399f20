using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>{% set a %} ... {% endset %} and {% filter f %} ... {% endfilter %}: what the body writes, through filters.</summary>
/// <param name="target">Receives the text; null where it is written out.</param>
/// <param name="body">Writes the text.</param>
/// <param name="filters">Turns the text, found under <see cref="BodyName"/>, into the value; null for none.</param>
internal sealed class SetBlockStatement(Target? target, Block body, Expression? filters) : Statement
{
    /// <summary>Not a name that a template can write.</summary>
    public const string BodyName = "block body";

    public override Flow Run(Scope scope, TemplateOutput output)
    {
        Scope inner = new(scope);
        object? value = body.Capture(inner);
        if (filters is not null)
        {
            inner.Set(BodyName, value);
            value = filters.Evaluate(inner);
        }

        if (target is null)
            output.Write(PythonText.Str(value, scope.Budget));
        else
            target.Assign(scope, value);
        return Flow.Next;
    }
}
