using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>The parameters and body of a macro or of a call block, and how it is called.</summary>
internal sealed class MacroDefinition(string name, IReadOnlyList<(string Name, Expression? Default)> parameters, Block body)
{
    public string Name { get; } = name;

    /// <summary>The function, seeing the variables of the place where it is defined.</summary>
    public JinjaFunction Bind(Scope scope) => new(Name, arguments => Call(scope, arguments));

    private string Call(Scope scope, CallArguments arguments)
    {
        using RenderBudget.Level level = scope.Budget.Deeper();
        Scope inner = new(scope);
        JinjaDict unknown = new();
        foreach ((string name, object? value) in arguments.Keywords)
        {
            if (name == "caller")
                inner.Set(name, value);
            else if (!parameters.Any(parameter => parameter.Name == name))
                unknown.Set(name, value);
        }

        inner.Set("varargs", new JinjaList(arguments.Positional.Skip(parameters.Count)) { IsTuple = true });
        inner.Set("kwargs", unknown);
        for (int i = 0; i < parameters.Count; i++)
        {
            (string name, Expression? otherwise) = parameters[i];
            object? value;
            if (i < arguments.Positional.Count)
                value = arguments.Positional[i];
            else if (!arguments.Keywords.TryGetValue(name, out value))
                value = otherwise is null ? new Undefined(name) : otherwise.Evaluate(inner);
            inner.Set(name, value);
        }

        return body.Capture(inner);
    }
}
