using MegaInfer.Engine.ChatTemplates.Jinja.Expressions;
using MegaInfer.Engine.ChatTemplates.Jinja.Statements;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Parsing;

/// <summary>Parses a whole template: text, prints and tags.</summary>
internal sealed class StatementParser
{
    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;
    private readonly TargetParser _targets;

    // Loops around the current place, within the innermost macro: break and continue need one.
    private int _loopDepth;

    private StatementParser(TokenStream tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens);
        _targets = new TargetParser(tokens);
    }

    /// <exception cref="ChatTemplateException">The template is malformed or uses a tag that is not supported.</exception>
    public static Block Parse(string template)
    {
        StatementParser parser = new(new TokenStream(TemplateLexer.Tokenize(template)));
        Block block = parser.ParseBlock();
        if (parser._tokens.Current.Kind != TokenKind.End)
            throw parser._tokens.Failure("no such tag here");
        parser._tokens.Missing.Refuse();
        return block;
    }

    // Up to the end of the template or to a tag that is in "ends", whose name is left as the current token.
    private Block ParseBlock(params string[] ends) => _tokens.Deeper(() =>
    {
        List<Statement> statements = [];
        while (_tokens.Current.Kind != TokenKind.End)
        {
            if (_tokens.Current.Kind == TokenKind.TagStart && _tokens.Next.Kind == TokenKind.Name && ends.Contains(_tokens.Next.Text))
            {
                _tokens.Take();
                return new Block(statements);
            }

            statements.Add(ParseStatement());
        }

        return ends.Length == 0 ? new Block(statements) : throw _tokens.Failure($"'{ends[^1]}'");
    });

    private Statement ParseStatement()
    {
        Token token = _tokens.Take();
        switch (token.Kind)
        {
            case TokenKind.Text:
                return new TextStatement(token.Text);
            case TokenKind.PrintStart:
                PrintStatement print = new(_expressions.ParseTuple());
                if (_tokens.Current.Kind != TokenKind.PrintEnd)
                    throw _tokens.Failure("'}}'");
                _tokens.Take();
                return print;
            default:
                return ParseTag();
        }
    }

    private Statement ParseTag()
    {
        string name = _tokens.ExpectAnyName();
        switch (name)
        {
            case "if":
                return ParseIf();
            case "for":
                return ParseFor();
            case "set":
                return ParseSet();
            case "macro":
                return new MacroStatement(ParseMacroBody(_tokens.ExpectAnyName(), "endmacro", _targets.ParseParameters(_expressions)));
            case "call":
                return ParseCall();
            case "filter":
                return ParseFilterBlock();
            case "with":
                return ParseWith();
            case "generation":
                _tokens.ExpectTagEnd();
                return new WithStatement([], ParseToEnd("endgeneration"));
            case "break" or "continue" when _loopDepth > 0:
                _tokens.ExpectTagEnd();
                return new FlowStatement(name == "break" ? Flow.Break : Flow.Continue);
            default:
                throw new ChatTemplateException($"The chat template has the tag '{name}' where it is not supported (line {_tokens.Current.Line}).");
        }
    }

    private IfStatement ParseIf()
    {
        int known = _tokens.Missing.Count;
        List<(Expression?, Block)> branches = [];
        Expression? condition = _expressions.ParseTuple();
        while (true)
        {
            _tokens.ExpectTagEnd();
            Block body = condition is null ? ParseBlock("endif") : ParseBlock("elif", "else", "endif");
            branches.Add((condition, body));
            switch (_tokens.Take().Text)
            {
                case "elif":
                    condition = _expressions.ParseTuple();
                    break;
                case "else":
                    condition = null;
                    break;
                default:
                    _tokens.ExpectTagEnd();
                    _tokens.Missing.Forgive(known);
                    return new IfStatement(branches);
            }
        }
    }

    private ForStatement ParseFor()
    {
        Target target = _targets.Parse(allowsNamespace: false);
        _tokens.ExpectName("in");
        Expression iterable = _expressions.ParseWithoutConditional();
        if (_tokens.Current.IsOperator(","))
            throw _tokens.Failure("brackets around the items of a loop");
        Expression? filter = _tokens.TryTakeName("if") ? _expressions.Parse() : null;
        bool isRecursive = _tokens.TryTakeName("recursive");
        _tokens.ExpectTagEnd();
        _loopDepth++;
        Block body = ParseBlock("else", "endfor");
        _loopDepth--;
        Block otherwise = Block.Empty;
        if (_tokens.Take().Text == "else")
        {
            _tokens.ExpectTagEnd();
            otherwise = ParseToEnd("endfor");
        }
        else
        {
            _tokens.ExpectTagEnd();
        }

        return new ForStatement(target, iterable, filter, body, otherwise, isRecursive);
    }

    private Statement ParseSet()
    {
        Target target = _targets.Parse(allowsNamespace: true);
        if (_tokens.TryTakeOperator("="))
        {
            SetStatement statement = new(target, _expressions.ParseTuple());
            _tokens.ExpectTagEnd();
            return statement;
        }

        Expression body = new NameExpression(SetBlockStatement.BodyName);
        Expression filtered = _expressions.ParseFilters(body);
        _tokens.ExpectTagEnd();
        return new SetBlockStatement(target, ParseToEnd("endset"), filtered == body ? null : filtered);
    }

    private SetBlockStatement ParseFilterBlock()
    {
        // The first filter stands without its bar.
        Expression filtered = _expressions.ParseFilterTag(new NameExpression(SetBlockStatement.BodyName));
        _tokens.ExpectTagEnd();
        return new SetBlockStatement(null, ParseToEnd("endfilter"), filtered);
    }

    private CallStatement ParseCall()
    {
        IReadOnlyList<(string, Expression?)> parameters = _tokens.Current.IsOperator("(") ? _targets.ParseParameters(_expressions) : [];
        CallExpression call = _expressions.ParseCall();
        return new CallStatement(call, ParseMacroBody("caller", "endcall", parameters));
    }

    private MacroDefinition ParseMacroBody(string name, string end, IReadOnlyList<(string, Expression?)> parameters)
    {
        _tokens.ExpectTagEnd();
        int outer = _loopDepth;
        _loopDepth = 0;
        Block body = ParseToEnd(end);
        _loopDepth = outer;
        return new MacroDefinition(name, parameters, body);
    }

    private WithStatement ParseWith()
    {
        List<(Target, Expression)> assignments = [];
        while (_tokens.Current.Kind != TokenKind.TagEnd)
        {
            if (assignments.Count > 0)
                _tokens.ExpectOperator(",");
            Target target = _targets.Parse(allowsNamespace: false);
            _tokens.ExpectOperator("=");
            assignments.Add((target, _expressions.Parse()));
        }

        _tokens.ExpectTagEnd();
        return new WithStatement(assignments, ParseToEnd("endwith"));
    }

    private Block ParseToEnd(string end)
    {
        Block body = ParseBlock(end);
        _tokens.ExpectName(end);
        // {% endmacro name %} may repeat the name.
        if (end == "endmacro" && _tokens.Current.Kind == TokenKind.Name)
            _tokens.Take();
        _tokens.ExpectTagEnd();
        return body;
    }
}
