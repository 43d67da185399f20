using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Parsing;

/// <summary>Parses expressions, from the loosest operator (if-else) to the tightest.</summary>
internal sealed class ExpressionParser(TokenStream tokens)
{
    private static readonly string[] ComparisonOperators = ["==", "!=", "<=", ">=", "<", ">"];
    private static readonly string[] MultiplyOperators = ["*", "/", "//", "%"];

    private readonly PrimaryParser _primary = new(tokens);

    /// <summary>An expression, or several with commas between them, which make a tuple.</summary>
    public Expression ParseTuple()
    {
        Expression first = Parse();
        if (!tokens.Current.IsOperator(","))
            return first;
        List<Expression> items = [first];
        while (tokens.TryTakeOperator(",") && PrimaryParser.StartsExpression(tokens.Current))
            items.Add(Parse());
        return new ListExpression(items, isTuple: true);
    }

    public Expression Parse() => tokens.Deeper(ParseConditional);

    /// <summary>An expression without if-else, as the iterable of a for loop must be.</summary>
    public Expression ParseWithoutConditional() => tokens.Deeper(ParseOr);

    public Expression ParseFilters(Expression operand) => _primary.ParseFilters(operand, this);

    /// <summary>Filters after {% filter, where the first stands without its bar.</summary>
    public Expression ParseFilterTag(Expression operand) => _primary.ParseFilters(_primary.ParseFilter(operand, this), this);

    public CallExpression ParseCall() =>
        tokens.Deeper(() => _primary.ParsePostfix(_primary.ParsePrimary(this), this)) as CallExpression ?? throw tokens.Failure("a call");

    public Expression ParseUnary(bool withFilters) => tokens.Deeper(() =>
    {
        Expression operand;
        if (tokens.TryTakeOperator("-"))
            operand = new SignExpression(ParseUnary(withFilters: false), isNegative: true);
        else if (tokens.TryTakeOperator("+"))
            operand = new SignExpression(ParseUnary(withFilters: false), isNegative: false);
        else
            operand = _primary.ParsePrimary(this);
        operand = _primary.ParsePostfix(operand, this);
        return withFilters ? _primary.ParseFilters(operand, this) : operand;
    });

    private Expression ParseConditional()
    {
        int known = tokens.Missing.Count;
        Expression then = ParseOr();
        while (tokens.TryTakeName("if"))
        {
            Expression condition = ParseOr();
            Expression? otherwise = tokens.TryTakeName("else") ? Parse() : null;
            then = new ConditionalExpression(condition, then, otherwise);
            tokens.Missing.Forgive(known);
        }

        return then;
    }

    private Expression ParseOr()
    {
        Expression left = ParseAnd();
        while (tokens.TryTakeName("or"))
            left = new LogicExpression(left, ParseAnd(), isAnd: false);
        return left;
    }

    private Expression ParseAnd()
    {
        Expression left = ParseNot();
        while (tokens.TryTakeName("and"))
            left = new LogicExpression(left, ParseNot(), isAnd: true);
        return left;
    }

    private Expression ParseNot() =>
        tokens.TryTakeName("not") ? new NotExpression(tokens.Deeper(ParseNot)) : ParseCompare();

    private Expression ParseCompare()
    {
        Expression first = ParseSum();
        List<(string, Expression)> rest = [];
        while (true)
        {
            string? op = TakeAny(ComparisonOperators);
            if (op is null && tokens.TryTakeName("in"))
                op = "in";
            if (op is null && tokens.Current.IsName("not") && tokens.Next.IsName("in"))
            {
                tokens.Take();
                tokens.Take();
                op = "not in";
            }

            if (op is null)
                break;
            rest.Add((op, ParseSum()));
        }

        return rest.Count == 0 ? first : new CompareExpression(first, rest);
    }

    private Expression ParseSum()
    {
        Expression left = ParseConcat();
        while (TakeAny(["+", "-"]) is string op)
            left = new BinaryExpression(op, left, ParseConcat());
        return left;
    }

    private Expression ParseConcat()
    {
        Expression first = ParseProduct();
        if (!tokens.Current.IsOperator("~"))
            return first;
        List<Expression> parts = [first];
        while (tokens.TryTakeOperator("~"))
            parts.Add(ParseProduct());
        return new ConcatExpression(parts);
    }

    private Expression ParseProduct()
    {
        Expression left = ParsePower();
        while (TakeAny(MultiplyOperators) is string op)
            left = new BinaryExpression(op, left, ParsePower());
        return left;
    }

    private Expression ParsePower()
    {
        Expression left = ParseUnary(withFilters: true);
        while (tokens.TryTakeOperator("**"))
            left = new BinaryExpression("**", left, ParseUnary(withFilters: true));
        return left;
    }

    private string? TakeAny(ReadOnlySpan<string> operators)
    {
        foreach (string op in operators)
        {
            if (tokens.TryTakeOperator(op))
                return op;
        }

        return null;
    }
}
