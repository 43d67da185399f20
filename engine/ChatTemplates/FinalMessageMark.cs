using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates;

/// <summary>
/// Finds the end of the last message's text in a prompt, as transformers does for continue_final_message: a mark is put behind the text, the template
/// writes it along, and the prompt is cut where it stands. Used for one rendering.
/// </summary>
internal sealed class FinalMessageMark
{
    private const string Word = "CONTINUE_FINAL_MESSAGE_TAG";

    // Whether the space is still there tells whether the template strips its texts.
    private const string Mark = Word + " ";

    private string _text = "";

    /// <exception cref="ChatTemplateException">The last message has no text.</exception>
    public void AppendTo(JinjaList messages)
    {
        object? content = null;
        JinjaDict? owner = messages.Count > 0 ? (JinjaDict)messages[^1]! : null;
        string name = "content";
        owner?.TryGet(name, out content);
        if (content is JinjaList parts)
        {
            owner = parts.OfType<JinjaDict>().LastOrDefault(part => part.TryGet("text", out object? text) && text is string);
            name = "text";
            owner?.TryGet(name, out content);
        }

        _text = content as string ?? throw new ChatTemplateException("The last message has no text that could be continued.");
        owner!.Set(name, _text + Mark);
    }

    /// <exception cref="ChatTemplateException">The template did not write the text as it is.</exception>
    public string Cut(string prompt)
    {
        int at = prompt.LastIndexOf(Word, StringComparison.Ordinal);
        if (at < 0 || !prompt.Contains(CodePoints.Trim(_text, null, left: true, right: true), StringComparison.Ordinal))
            throw new ChatTemplateException("The chat template does not show the last message as it is, so it cannot be continued.");
        bool isStripped = !prompt.AsSpan(at).StartsWith(Mark, StringComparison.Ordinal);
        return isStripped ? CodePoints.Trim(prompt[..at], null, left: false, right: true) : prompt[..at];
    }
}
