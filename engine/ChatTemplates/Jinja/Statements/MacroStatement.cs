namespace MegaInfer.Engine.ChatTemplates.Jinja.Statements;

/// <summary>{% macro f(a, b=c) %} ... {% endmacro %}</summary>
internal sealed class MacroStatement(MacroDefinition definition) : Statement
{
    public override Flow Run(Scope scope, TemplateOutput output)
    {
        scope.Set(definition.Name, definition.Bind(scope));
        return Flow.Next;
    }
}
