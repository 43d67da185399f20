using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

/// <summary>The arguments of a call as written.</summary>
internal sealed class CallArgumentList
{
    public static readonly CallArgumentList Empty = new();

    public List<Expression> Positional { get; } = [];

    public List<(string Name, Expression Value)> Keywords { get; } = [];

    /// <summary>*list, after the positional ones.</summary>
    public Expression? MorePositional { get; set; }

    /// <summary>**dictionary, after the named ones.</summary>
    public Expression? MoreKeywords { get; set; }

    public CallArguments Evaluate(Scope scope)
    {
        CallArguments values = new();
        foreach (Expression argument in Positional)
            values.Positional.Add(argument.Evaluate(scope));
        if (MorePositional is not null)
            values.Positional.AddRange(Iteration.Items(MorePositional.Evaluate(scope), scope.Budget));
        foreach ((string name, Expression value) in Keywords)
            values.Keywords[name] = value.Evaluate(scope);
        if (MoreKeywords is not null)
        {
            if (MoreKeywords.Evaluate(scope) is not JinjaDict more)
                throw new ChatTemplateException("The chat template unpacks something with ** that is not a dictionary.");
            foreach ((object? key, object? value) in more.Entries)
                values.Keywords[PythonText.Str(key, scope.Budget)] = value;
        }

        return values;
    }
}
