using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>{{ a }}</summary>
internal sealed class PrintStatement(Expression expression) : Statement
{
    public override Flow Run(Scope scope, TemplateOutput output)
    {
        output.Write(PythonText.Str(expression.Evaluate(scope), scope.Budget));
        return Flow.Next;
    }
}
