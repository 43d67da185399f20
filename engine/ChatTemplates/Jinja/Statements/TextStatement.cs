namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>Text outside of all tags.</summary>
internal sealed class TextStatement(string text) : Statement
{
    public override Flow Run(Scope scope, TemplateOutput output)
    {
        output.Write(text);
        return Flow.Next;
    }
}
