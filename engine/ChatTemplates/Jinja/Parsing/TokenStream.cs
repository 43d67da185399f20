using System.Runtime.CompilerServices;

namespace MegaInfer.Engine.ChatTemplates.Jinja.Parsing;

/// <summary>The tokens of a template with a place in them.</summary>
internal sealed class TokenStream(List<Token> tokens)
{
    private const int MaxDepth = 300;

    private int _at;
    private int _depth;

    /// <summary>Filters and tests that do not exist, so far.</summary>
    public MissingNames Missing { get; } = new();

    public Token Current => tokens[_at];

    public Token Next => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public Token Take()
    {
        Token token = tokens[_at];
        if (_at < tokens.Count - 1)
            _at++;
        return token;
    }

    public bool TryTakeOperator(string text)
    {
        bool found = Current.IsOperator(text);
        if (found)
            Take();
        return found;
    }

    public bool TryTakeName(string text)
    {
        bool found = Current.IsName(text);
        if (found)
            Take();
        return found;
    }

    public void ExpectOperator(string text)
    {
        if (!TryTakeOperator(text))
            throw Failure($"'{text}'");
    }

    public void ExpectName(string text)
    {
        if (!TryTakeName(text))
            throw Failure($"'{text}'");
    }

    public string ExpectAnyName() => Current.Kind == TokenKind.Name ? Take().Text : throw Failure("a name");

    public void ExpectTagEnd()
    {
        if (Current.Kind != TokenKind.TagEnd)
            throw Failure("the end of the tag");
        Take();
    }

    /// <summary>Runs one more level of the parser; templates must not overflow the stack.</summary>
    public T Deeper<T>(Func<T> parse)
    {
        if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new ChatTemplateException($"The chat template nests too deeply (line {Current.Line}).");
        T result = parse();
        _depth--;
        return result;
    }

    public ChatTemplateException Failure(string expected)
    {
        string found = Current.Kind switch
        {
            TokenKind.End => "the template ends",
            TokenKind.TagEnd or TokenKind.PrintEnd => "the tag ends",
            TokenKind.Text or TokenKind.TagStart or TokenKind.PrintStart => "there is text",
            _ => $"there is '{Current.Text}'",
        };
        return new ChatTemplateException($"The chat template is malformed: expected {expected}, but {found} (line {Current.Line}).");
    }
}
