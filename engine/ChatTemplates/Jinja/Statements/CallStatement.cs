using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>{% call(a) f(b) %} ... {% endcall %}: calls f, which may call the body as "caller".</summary>
internal sealed class CallStatement(CallExpression call, MacroDefinition body) : Statement
{
    public override Flow Run(Scope scope, TemplateOutput output)
    {
        output.Write(PythonText.Str(call.Call(scope, body.Bind(scope)), scope.Budget));
        return Flow.Next;
    }
}
