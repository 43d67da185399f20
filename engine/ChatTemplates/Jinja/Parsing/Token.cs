namespace MegaInfer.Engine.ChatTemplates.Jinja.Parsing;

/// <summary>A token of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text; for a string, its value.</param>
/// <param name="Line">Line of the template, from 1.</param>
/// <param name="Number">Value of a number.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Line, object? Number = null)
{
    public bool IsOperator(string text) => Kind == TokenKind.Operator && Text == text;

    public bool IsName(string text) => Kind == TokenKind.Name && Text == text;
}
