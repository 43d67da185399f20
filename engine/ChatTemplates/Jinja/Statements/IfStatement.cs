using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>{% if %} with its branches; an else is a branch whose condition is null.</summary>
internal sealed class IfStatement(IReadOnlyList<(Expression? Condition, Block Body)> branches) : Statement
{
    public override Flow Run(Scope scope, TemplateOutput output)
    {
        foreach ((Expression? condition, Block body) in branches)
        {
            if (condition is null || Truth.IsTrue(condition.Evaluate(scope)))
                return body.Run(scope, output);
        }

        return Flow.Next;
    }
}
