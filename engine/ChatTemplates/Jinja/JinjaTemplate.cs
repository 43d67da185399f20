using MegaInfer.Engine.ChatTemplates.Jinja.Builtins;
using MegaInfer.Engine.ChatTemplates.Jinja.Parsing;
using MegaInfer.Engine.ChatTemplates.Jinja.Statements;

namespace MegaInfer.Engine.ChatTemplates.Jinja;

/// <summary>
/// A parsed template in the part of Jinja that Hugging Face chat templates use, with Python's meaning of values. Immutable;
/// any thread may render.
/// </summary>
internal sealed class JinjaTemplate
{
    private readonly Block _block;
    private readonly TimeProvider _clock;

    /// <exception cref="ChatTemplateException">The template is malformed.</exception>
    public JinjaTemplate(string source, TimeProvider clock)
    {
        _block = StatementParser.Parse(source);
        _clock = clock;
    }

    /// <summary>Renders with variables that the caller sets; bounded in time, memory and stack whatever the template does.</summary>
    /// <exception cref="ChatTemplateException">The template does not fit the variables, raises an exception or exceeds its budget.</exception>
    public string Render(Action<Scope> setVariables)
    {
        RenderBudget budget = new();
        Scope globals = new(budget);
        Globals.AddTo(globals, _clock);
        Scope scope = new(globals);
        setVariables(scope);
        return _block.Capture(scope);
    }
}
