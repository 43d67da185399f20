using System.Text;

namespace MegaInfer.Engine.ChatTemplates.Jinja;

/// <summary>Collects what a template, macro or block writes.</summary>
internal sealed class TemplateOutput(RenderBudget budget)
{
    private readonly StringBuilder _text = new();

    public void Write(string text)
    {
        budget.ChargeText(_text.Length + (long)text.Length > RenderBudget.MaxChars ? long.MaxValue : text.Length);
        _text.Append(text);
    }

    public override string ToString() => _text.ToString();
}
