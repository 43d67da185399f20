using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>f(a, b=c)</summary>
internal sealed class CallExpression(Expression callee, CallArgumentList arguments) : Expression
{
    protected override object? Compute(Scope scope) => Call(scope, null);

    /// <summary>Calls with a caller, as {% call %} does.</summary>
    public object? Call(Scope scope, JinjaFunction? caller)
    {
        object? function = callee.Evaluate(scope);
        CallArguments values = arguments.Evaluate(scope);
        if (caller is not null)
            values.Keywords["caller"] = caller;
        return function switch
        {
            JinjaFunction known => known.Call(values),
            Statements.LoopState loop => loop.Recurse(values),
            Undefined missing => throw new ChatTemplateException($"The chat template calls '{missing.Name}', which does not exist."),
            _ => throw new ChatTemplateException($"The chat template calls a {PythonText.TypeName(function)}, which is not a function."),
        };
    }
}
