using System.Text.Json;
using MegaInfer.Engine.ChatTemplates;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.OpenAi;

/// <summary>A conversation as the model's prompt.</summary>
internal static class ChatPrompt
{
    /// <exception cref="ApiException">The messages are wrong, the model has no chat template, or the template refuses the conversation.</exception>
    public static int[] Encode(RequestBody body, ModelText text)
    {
        bool addsGenerationPrompt = body.Flag("add_generation_prompt", absent: true);
        bool continuesMessage = body.Flag("continue_final_message");
        if (addsGenerationPrompt && continuesMessage)
            throw ApiException.Invalid("continue_final_message", "'continue_final_message' needs 'add_generation_prompt' to be false: the prompt cannot end in two ways.");
        IReadOnlyList<ChatMessage> messages = ChatMessagesReader.Read(body);
        if (text.Template is not { } template)
            throw ApiException.Invalid("messages", "This model has no chat template, so it cannot chat; use /v1/completions.", "no_chat_template");
        try
        {
            IReadOnlyDictionary<string, JsonElement> variables = TemplateVariables.Read(body);
            return text.EncodeRendered(continuesMessage
                ? template.RenderOpen(messages, extra: variables)
                : template.Render(messages, addsGenerationPrompt, extra: variables));
        }
        catch (ChatTemplateException error)
        {
            throw ApiException.Invalid("messages", $"The model's chat template does not take this conversation: {error.Message}");
        }
    }
}
