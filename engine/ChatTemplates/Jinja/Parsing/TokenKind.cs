namespace MegaInfer.Engine.ChatTemplates.Jinja.Parsing;

/// <summary>Kinds of tokens of a template.</summary>
internal enum TokenKind
{
    /// <summary>Text outside of tags.</summary>
    Text,
    PrintStart,
    PrintEnd,
    TagStart,
    TagEnd,
    Name,
    String,
    Number,
    Operator,
    End,
}
