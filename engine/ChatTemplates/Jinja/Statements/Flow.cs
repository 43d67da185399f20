namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>How a statement ended, for the loop around it.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}
