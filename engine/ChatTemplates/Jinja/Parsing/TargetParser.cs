using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;
using MegaInfer.Engine.ChatTemplates.Jinja.Statements;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Parsing;

/// <summary>Parses what is assigned to: names, tuples of them, namespace attributes, macro parameters.</summary>
internal sealed class TargetParser(TokenStream tokens)
{
    public Target Parse(bool allowsNamespace)
    {
        Target first = ParseOne(allowsNamespace);
        if (!tokens.Current.IsOperator(","))
            return first;
        List<Target> targets = [first];
        while (tokens.TryTakeOperator(","))
        {
            if (tokens.Current.Kind == TokenKind.Name || tokens.Current.IsOperator("("))
                targets.Add(ParseOne(allowsNamespace));
        }

        return new Target.Tuple(targets);
    }

    public List<(string Name, Expression? Default)> ParseParameters(ExpressionParser expressions)
    {
        List<(string, Expression?)> parameters = [];
        tokens.ExpectOperator("(");
        while (!tokens.TryTakeOperator(")"))
        {
            string name = tokens.ExpectAnyName();
            parameters.Add((name, tokens.TryTakeOperator("=") ? expressions.Parse() : null));
            if (!tokens.TryTakeOperator(",") && !tokens.Current.IsOperator(")"))
                throw tokens.Failure("',' or ')'");
        }

        return parameters;
    }

    private Target ParseOne(bool allowsNamespace)
    {
        if (tokens.TryTakeOperator("("))
        {
            Target inner = tokens.Deeper(() => Parse(allowsNamespace));
            tokens.ExpectOperator(")");
            return inner;
        }

        string name = tokens.ExpectAnyName();
        if (allowsNamespace && tokens.TryTakeOperator("."))
            return new Target.NamespaceAttribute(name, tokens.ExpectAnyName());
        return new Target.Name(name);
    }
}
