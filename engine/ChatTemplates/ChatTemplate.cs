using System.Text.Json;
using MegaInfer.Engine.ChatTemplates.Jinja;
using MegaInfer.Engine.ChatTemplates.Jinja.Values;

namespace MegaInfer.Engine.ChatTemplates;

/// <summary>
/// Turns a conversation into the prompt that a model was trained on, with the Jinja template of its folder. Immutable; any
/// thread may render.
/// </summary>
public sealed class ChatTemplate
{
    private const string DefaultName = "default";
    private const string ToolName = "tool_use";

    private readonly Dictionary<string, JinjaTemplate> _templates = [];
    private readonly Dictionary<string, JsonElement> _specialTokens;

    private ChatTemplate(IReadOnlyDictionary<string, string> sources, Dictionary<string, JsonElement> specialTokens, TimeProvider clock)
    {
        foreach ((string name, string source) in sources)
            _templates[name] = new JinjaTemplate(source, clock);
        _specialTokens = specialTokens;
    }

    /// <summary>Loads the template of a Hugging Face model folder: chat_template.jinja, else the one in tokenizer_config.json.</summary>
    /// <param name="modelFolder">The model folder.</param>
    /// <param name="clock">For templates that print the date; the system's clock if null.</param>
    /// <exception cref="ChatTemplateException">There is no template, or it is malformed; one sentence.</exception>
    public static ChatTemplate Load(string modelFolder, TimeProvider? clock = null) =>
        TryLoad(modelFolder, clock) ?? throw new ChatTemplateException(
            $"The model in {modelFolder} has no chat template; use completions, or add a chat_template.jinja to the folder.");

    /// <summary>As <see cref="Load"/>, but null where the folder has no template.</summary>
    public static ChatTemplate? TryLoad(string modelFolder, TimeProvider? clock = null)
    {
        ChatTemplateFolder folder = ChatTemplateFolder.Read(modelFolder);
        if (folder.Sources.Count == 0)
            return null;
        try
        {
            return new ChatTemplate(folder.Sources, folder.SpecialTokens, clock ?? TimeProvider.System);
        }
        catch (ChatTemplateException failure)
        {
            throw new ChatTemplateException($"In {modelFolder}: {failure.Message}", failure);
        }
    }

    /// <summary>A template from its source, with the special tokens that it may name (bos_token and so on).</summary>
    public static ChatTemplate Parse(string source, IReadOnlyDictionary<string, string>? specialTokens = null, TimeProvider? clock = null)
    {
        Dictionary<string, JsonElement> tokens = [];
        foreach ((string name, string text) in specialTokens ?? new Dictionary<string, string>())
            tokens[name] = JsonSerializer.SerializeToElement(text, JsonTexts.Default.String);
        return new ChatTemplate(new Dictionary<string, string> { [DefaultName] = source }, tokens, clock ?? TimeProvider.System);
    }

    /// <summary>
    /// The prompt of a conversation. Encode it with special tokens parsed and none added: the template writes all of them.
    /// </summary>
    /// <param name="messages">The conversation, oldest first.</param>
    /// <param name="addGenerationPrompt">Whether the prompt ends where the assistant's answer begins.</param>
    /// <param name="tools">The tools as a JSON list of OpenAI's shape, or null.</param>
    /// <param name="extra">Further variables of the template, such as enable_thinking; they win over all others.</param>
    /// <exception cref="ChatTemplateException">The template refuses this conversation or does not fit it; one sentence.</exception>
    public string Render(
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt,
        JsonElement? tools = null,
        IReadOnlyDictionary<string, JsonElement>? extra = null) => RenderMarked([.. messages], addGenerationPrompt, tools, extra, mark: null);

    /// <summary>As <see cref="Render"/>, but the prompt ends within the last message, right behind its text, so that the model goes on with it.</summary>
    /// <exception cref="ChatTemplateException">Also where the last message has no text, or the template does not show it as it is.</exception>
    public string RenderOpen(IReadOnlyList<ChatMessage> messages, JsonElement? tools = null, IReadOnlyDictionary<string, JsonElement>? extra = null)
    {
        var mark = new FinalMessageMark();
        return mark.Cut(RenderMarked([.. messages], addGenerationPrompt: false, tools, extra, mark));
    }

    private string RenderMarked(
        ChatMessage[] messages, bool addGenerationPrompt, JsonElement? tools, IReadOnlyDictionary<string, JsonElement>? extra, FinalMessageMark? mark)
    {
        bool hasTools = tools is { ValueKind: JsonValueKind.Array };
        if (!hasTools || !_templates.TryGetValue(ToolName, out JinjaTemplate? template))
        {
            if (!_templates.TryGetValue(DefaultName, out template))
                throw new ChatTemplateException($"The model has several chat templates, but none is named \"{DefaultName}\".");
        }

        return template.Render(scope =>
        {
            foreach ((string name, JsonElement value) in _specialTokens)
                scope.Set(name, JsonValues.From(value, scope.Budget));
            JinjaList list = new(messages.Select(message => Message(message, scope.Budget)));
            mark?.AppendTo(list);
            scope.Set("messages", list);
            scope.Set("add_generation_prompt", addGenerationPrompt);
            scope.Set("tools", hasTools ? JsonValues.From(tools!.Value, scope.Budget) : null);
            scope.Set("documents", null);
            foreach ((string name, JsonElement value) in extra ?? new Dictionary<string, JsonElement>())
                scope.Set(name, JsonValues.From(value, scope.Budget));
        });
    }

    private static JinjaDict Message(ChatMessage message, RenderBudget budget)
    {
        JinjaDict dict = new();
        dict.Set("role", message.Role);
        if (message.Extra is not { ValueKind: JsonValueKind.Object } extra)
        {
            dict.Set("content", message.Content);
            if (message.Name is not null)
                dict.Set("name", message.Name);
            return dict;
        }

        // FromJson keeps the whole object in Extra: what that lacks was not said, and stays undefined for the template.
        bool isWhole = extra.TryGetProperty("role", out _);
        if (!isWhole || message.Content is not null)
            dict.Set("content", message.Content);
        if (message.Name is not null)
            dict.Set("name", message.Name);
        foreach (JsonProperty field in extra.EnumerateObject())
            dict.Set(field.Name, JsonValues.From(field.Value, budget));
        return dict;
    }
}
