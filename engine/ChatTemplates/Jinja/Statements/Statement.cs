namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>A piece of a template that writes output or changes variables. Immutable; any thread may run it.</summary>
internal abstract class Statement
{
    public abstract Flow Run(Scope scope, TemplateOutput output);
}
