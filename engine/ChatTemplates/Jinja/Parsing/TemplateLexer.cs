namespace MegaInfer.Engine.ChatTemplates.Jinja.Parsing;

/// <summary>
/// Cuts a template into tokens and settles white space as Hugging Face configures Jinja: trim_blocks (a line feed right after
/// a tag goes), lstrip_blocks (blanks before a tag that begins its line go), and one line feed at the end of the template goes.
/// </summary>
internal sealed class TemplateLexer
{
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _at;
    private int _line = 1;
    private int _lineCountedTo;

    private TemplateLexer(string source) => _source = source;

    /// <exception cref="ChatTemplateException">A tag, string or comment does not end, or a character has no meaning.</exception>
    public static List<Token> Tokenize(string template)
    {
        template = template.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (template.EndsWith('\n'))
            template = template[..^1];
        TemplateLexer lexer = new(template);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        while (_at < _source.Length)
        {
            int open = FindOpening(_at);
            string text = _source[_at..(open < 0 ? _source.Length : open)];
            if (open < 0)
            {
                AddText(text);
                break;
            }

            char kind = _source[open + 1];
            char modifier = open + 2 < _source.Length ? _source[open + 2] : '\0';
            if (modifier == '-')
                text = text.TrimEnd();
            else if (modifier != '+' && kind != '{')
                text = StripLineStart(text);
            AddText(text);
            _at = open + 2 + (modifier is '-' or '+' ? 1 : 0);
            if (kind == '#')
                SkipComment();
            else if (kind == '%' && TrySkipRawTag("raw"))
                TakeRaw();
            else
                TakeTag(isPrint: kind == '{');
        }

        Add(TokenKind.End, "");
    }

    private int FindOpening(int start)
    {
        for (int i = _source.IndexOf('{', start); i >= 0 && i + 1 < _source.Length; i = _source.IndexOf('{', i + 1))
        {
            if (_source[i + 1] is '{' or '%' or '#')
                return i;
        }

        return -1;
    }

    // lstrip_blocks: what stands between the start of the line and the tag goes if it is blank.
    private string StripLineStart(string text)
    {
        int lineStart = text.LastIndexOf('\n') + 1;
        bool beginsLine = lineStart > 0 || _at == 0 || _source[_at - 1] == '\n';
        return beginsLine && text.AsSpan(lineStart).IsWhiteSpace() ? text[..lineStart] : text;
    }

    private void SkipComment()
    {
        int close = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (close < 0)
            throw Failure("a comment that never ends");
        char modifier = close > _at ? _source[close - 1] : '\0';
        _at = close + 2;
        AfterTag(modifier, isPrint: false);
    }

    private void TakeRaw()
    {
        int start = _at;
        for (int open = _source.IndexOf("{%", start, StringComparison.Ordinal); open >= 0; open = _source.IndexOf("{%", open + 2, StringComparison.Ordinal))
        {
            char modifier = open + 2 < _source.Length ? _source[open + 2] : '\0';
            _at = open + 2 + (modifier is '-' or '+' ? 1 : 0);
            if (!TrySkipRawTag("endraw"))
                continue;
            string text = _source[start..open];
            int after = _at;
            _at = start;
            AddText(modifier == '-' ? text.TrimEnd() : modifier == '+' ? text : StripLineStart(text));
            _at = after;
            return;
        }

        throw Failure("a raw block that never ends");
    }

    // Skips the rest of {% raw %} or {% endraw %} if it is that tag.
    private bool TrySkipRawTag(string name)
    {
        int at = SkipBlanks(_at);
        if (!_source.AsSpan(at).StartsWith(name, StringComparison.Ordinal))
            return false;
        at = SkipBlanks(at + name.Length);
        char modifier = at < _source.Length ? _source[at] : '\0';
        if (modifier is '-' or '+')
            at++;
        if (!_source.AsSpan(at).StartsWith("%}", StringComparison.Ordinal))
            return false;
        _at = at + 2;
        AfterTag(modifier, isPrint: false);
        return true;
    }

    private void TakeTag(bool isPrint)
    {
        Add(isPrint ? TokenKind.PrintStart : TokenKind.TagStart, "");
        string close = isPrint ? "}}" : "%}";
        int depth = 0;
        while (true)
        {
            _at = SkipBlanks(_at);
            if (_at >= _source.Length)
                throw Failure("a tag that never ends");
            char modifier = _source[_at];
            int closeAt = modifier is '-' or '+' ? _at + 1 : _at;
            // Inside brackets "}}" closes dictionaries, not the tag.
            if (depth == 0 && _source.AsSpan(closeAt).StartsWith(close, StringComparison.Ordinal))
            {
                Add(isPrint ? TokenKind.PrintEnd : TokenKind.TagEnd, "");
                _at = closeAt + 2;
                AfterTag(modifier, isPrint);
                return;
            }

            Token token = ExpressionLexer.Next(_source, ref _at, CurrentLine());
            depth += token.Kind != TokenKind.Operator ? 0 : token.Text is "(" or "[" or "{" ? 1 : token.Text is ")" or "]" or "}" ? -1 : 0;
            _tokens.Add(token);
        }
    }

    private void AfterTag(char modifier, bool isPrint)
    {
        if (modifier == '-')
            _at = SkipBlanks(_at);
        else if (modifier != '+' && !isPrint && _at < _source.Length && _source[_at] == '\n')
            _at++;
    }

    private int SkipBlanks(int at)
    {
        while (at < _source.Length && char.IsWhiteSpace(_source[at]))
            at++;
        return at;
    }

    private void AddText(string text)
    {
        if (text.Length > 0)
            Add(TokenKind.Text, text);
    }

    private void Add(TokenKind kind, string text) => _tokens.Add(new Token(kind, text, CurrentLine()));

    private int CurrentLine()
    {
        int to = Math.Min(_at, _source.Length);
        if (to > _lineCountedTo)
        {
            _line += _source.AsSpan(_lineCountedTo, to - _lineCountedTo).Count('\n');
            _lineCountedTo = to;
        }

        return _line;
    }

    private ChatTemplateException Failure(string what) => new($"The chat template has {what} (line {CurrentLine()}).");
}
