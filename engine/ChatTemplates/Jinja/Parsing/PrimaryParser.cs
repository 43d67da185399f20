using System.Text;
using MegaInfer.Engine.ChatTemplates.Jinja.Builtins;
using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Parsing;

/// <summary>Parses the tightest parts of expressions: literals, names, attributes, items, calls, filters and tests.</summary>
internal sealed class PrimaryParser(TokenStream tokens)
{
    public static bool StartsExpression(Token token) => token.Kind switch
    {
        TokenKind.Name => token.Text is not ("if" or "else" or "in" or "and" or "or" or "is" or "recursive"),
        TokenKind.String or TokenKind.Number => true,
        _ => token.IsOperator("(") || token.IsOperator("[") || token.IsOperator("{") || token.IsOperator("-") || token.IsOperator("+"),
    };

    public Expression ParsePrimary(ExpressionParser expressions)
    {
        Token token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                tokens.Take();
                return Name(token.Text);
            case TokenKind.String:
                StringBuilder text = new();
                while (tokens.Current.Kind == TokenKind.String)
                    text.Append(tokens.Take().Text);
                return new LiteralExpression(text.ToString());
            case TokenKind.Number:
                tokens.Take();
                return new LiteralExpression(token.Number);
            case TokenKind.Operator when token.Text == "(":
                tokens.Take();
                Expression inner = tokens.Current.IsOperator(")") ? new ListExpression([], isTuple: true) : expressions.ParseTuple();
                tokens.ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                tokens.Take();
                return new ListExpression(ParseItems(expressions, "]"), isTuple: false);
            case TokenKind.Operator when token.Text == "{":
                tokens.Take();
                return ParseDict(expressions);
            default:
                throw tokens.Failure("an expression");
        }
    }

    public Expression ParsePostfix(Expression operand, ExpressionParser expressions)
    {
        while (true)
        {
            if (tokens.TryTakeOperator("."))
                operand = ParseAttribute(operand);
            else if (tokens.TryTakeOperator("["))
                operand = ParseSubscript(operand, expressions);
            else if (tokens.Current.IsOperator("("))
                operand = new CallExpression(operand, ParseArguments(expressions));
            else
                return operand;
        }
    }

    public Expression ParseFilters(Expression operand, ExpressionParser expressions)
    {
        while (true)
        {
            if (tokens.TryTakeOperator("|"))
            {
                operand = ParseFilter(operand, expressions);
            }
            else if (tokens.TryTakeName("is"))
            {
                operand = ParseTest(operand, expressions);
            }
            else if (tokens.Current.IsOperator("("))
            {
                operand = new CallExpression(operand, ParseArguments(expressions));
            }
            else
            {
                return operand;
            }
        }
    }

    public Expression ParseFilter(Expression operand, ExpressionParser expressions)
    {
        string name = DottedName();
        if (!Filters.TryGet(name, out Filter filter))
        {
            string problem = tokens.Missing.Note($"the filter '{name}'", tokens.Current.Line);
            filter = (_, _, _) => throw new ChatTemplateException(problem);
        }

        return new FilterExpression(operand, filter, tokens.Current.IsOperator("(") ? ParseArguments(expressions) : CallArgumentList.Empty);
    }

    private static Expression Name(string name) => name switch
    {
        "true" or "True" => new LiteralExpression(true),
        "false" or "False" => new LiteralExpression(false),
        "none" or "None" => new LiteralExpression(null),
        _ => new NameExpression(name),
    };

    private Expression ParseAttribute(Expression owner)
    {
        Token token = tokens.Take();
        return token switch
        {
            { Kind: TokenKind.Name } => new AttributeExpression(owner, token.Text),
            { Kind: TokenKind.Number, Number: long } => new IndexExpression(owner, new LiteralExpression(token.Number)),
            _ => throw tokens.Failure("a name after '.'"),
        };
    }

    private Expression ParseSubscript(Expression owner, ExpressionParser expressions)
    {
        Expression?[] parts = [null, null, null];
        int part = 0;
        while (!tokens.Current.IsOperator("]"))
        {
            if (tokens.TryTakeOperator(":"))
            {
                if (++part > 2)
                    throw tokens.Failure("']'");
            }
            else if (parts[part] is null)
            {
                parts[part] = expressions.ParseTuple();
            }
            else
            {
                throw tokens.Failure("']'");
            }
        }

        tokens.ExpectOperator("]");
        if (part > 0)
            return new SliceExpression(owner, parts[0], parts[1], parts[2]);
        return new IndexExpression(owner, parts[0] ?? throw tokens.Failure("an index"));
    }

    private TestExpression ParseTest(Expression operand, ExpressionParser expressions)
    {
        bool isNegated = tokens.TryTakeName("not");
        string name = DottedName();
        if (!Tests.TryGet(name, out Test test))
        {
            string problem = tokens.Missing.Note($"the test '{name}'", tokens.Current.Line);
            test = (_, _, _) => throw new ChatTemplateException(problem);
        }

        CallArgumentList arguments = CallArgumentList.Empty;
        Token next = tokens.Current;
        if (next.IsOperator("("))
        {
            arguments = ParseArguments(expressions);
        }
        else if (StartsExpression(next) && !next.IsOperator("-") && !next.IsOperator("+"))
        {
            // "x is divisibleby 3": one argument without brackets.
            arguments = new CallArgumentList();
            arguments.Positional.Add(ParsePostfix(ParsePrimary(expressions), expressions));
        }

        return new TestExpression(operand, test, arguments, isNegated);
    }

    private string DottedName()
    {
        string name = tokens.ExpectAnyName();
        while (tokens.TryTakeOperator("."))
            name += "." + tokens.ExpectAnyName();
        return name;
    }

    private CallArgumentList ParseArguments(ExpressionParser expressions)
    {
        CallArgumentList arguments = new();
        tokens.ExpectOperator("(");
        while (!tokens.TryTakeOperator(")"))
        {
            if (tokens.TryTakeOperator("**"))
                arguments.MoreKeywords = expressions.Parse();
            else if (tokens.TryTakeOperator("*"))
                arguments.MorePositional = expressions.Parse();
            else if (tokens.Current.Kind == TokenKind.Name && tokens.Next.IsOperator("="))
                arguments.Keywords.Add((NamedArgument(), expressions.Parse()));
            else
                arguments.Positional.Add(expressions.Parse());
            if (!tokens.TryTakeOperator(",") && !tokens.Current.IsOperator(")"))
                throw tokens.Failure("',' or ')'");
        }

        return arguments;
    }

    private string NamedArgument()
    {
        string name = tokens.Take().Text;
        tokens.Take();
        return name;
    }

    private List<Expression> ParseItems(ExpressionParser expressions, string close)
    {
        List<Expression> items = [];
        while (!tokens.TryTakeOperator(close))
        {
            items.Add(expressions.Parse());
            if (!tokens.TryTakeOperator(",") && !tokens.Current.IsOperator(close))
                throw tokens.Failure($"',' or '{close}'");
        }

        return items;
    }

    private DictExpression ParseDict(ExpressionParser expressions)
    {
        List<(Expression, Expression)> entries = [];
        while (!tokens.TryTakeOperator("}"))
        {
            Expression key = expressions.Parse();
            tokens.ExpectOperator(":");
            entries.Add((key, expressions.Parse()));
            if (!tokens.TryTakeOperator(",") && !tokens.Current.IsOperator("}"))
                throw tokens.Failure("',' or '}'");
        }

        return new DictExpression(entries);
    }
}
