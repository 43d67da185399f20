using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>{% with a = b %} ... {% endwith %}; with no assignments also {% generation %}.</summary>
internal sealed class WithStatement(IReadOnlyList<(Target Target, Expression Value)> assignments, Block body) : Statement
{
    public override Flow Run(Scope scope, TemplateOutput output)
    {
        Scope inner = new(scope);
        foreach ((Target target, Expression value) in assignments)
            target.Assign(inner, value.Evaluate(scope));
        return body.Run(inner, output);
    }
}
