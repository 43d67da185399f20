using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>{% set a = b %}</summary>
internal sealed class SetStatement(Target target, Expression value) : Statement
{
    public override Flow Run(Scope scope, TemplateOutput output)
    {
        target.Assign(scope, value.Evaluate(scope));
        return Flow.Next;
    }
}
