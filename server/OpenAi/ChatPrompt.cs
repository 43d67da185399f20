using System.Text.Json;
using MegaInfer.Engine.ChatTemplates;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.OpenAi;

/// <summary>A conversation as the model's prompt.</summary>
internal static class ChatPrompt
{
    /// <exception cref="ApiException">The messages are wrong, the model has no chat template, or the template refuses the conversation.</exception>
    public static int[] Encode(RequestBody body, ModelText text, bool addGenerationPrompt)
    {
        IReadOnlyList<ChatMessage> messages = ChatMessagesReader.Read(body);
        if (text.Template is not { } template)
            throw ApiException.Invalid("messages", "This model has no chat template, so it cannot chat; use /v1/completions.", "no_chat_template");
        try
        {
            return text.EncodeRendered(template.Render(messages, addGenerationPrompt, extra: ReadVariables(body)));
        }
        catch (ChatTemplateException error)
        {
            throw ApiException.Invalid("messages", $"The model's chat template does not take this conversation: {error.Message}");
        }
    }

    private static Dictionary<string, JsonElement>? ReadVariables(RequestBody body)
    {
        if (body.Find("chat_template_kwargs") is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Object
            ? value.EnumerateObject().ToDictionary(member => member.Name, member => member.Value)
            : throw ApiException.WrongType("chat_template_kwargs", "an object", RequestBody.Describe(value));
    }
}
