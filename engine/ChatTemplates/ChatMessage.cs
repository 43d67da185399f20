using System.Text.Json;

namespace MegaInfer.Engine.ChatTemplates;

/// <summary>One message of a conversation, as a chat template sees it.</summary>
/// <param name="Role">"system", "user", "assistant", "tool" or what else the template knows.</param>
/// <param name="Content">The text; null where there is none, as in an assistant's message that only calls tools.</param>
/// <param name="Name">Who speaks, where that matters.</param>
/// <param name="Extra">
/// A JSON object with further fields (tool_calls, reasoning_content, content parts, ...). A field of it wins over the same
/// field above.
/// </param>
public sealed record ChatMessage(string Role, string? Content, string? Name = null, JsonElement? Extra = null)
{
    /// <summary>A message from its JSON object, with all fields kept, in their order.</summary>
    /// <exception cref="ChatTemplateException">It is not an object with a "role".</exception>
    public static ChatMessage FromJson(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object || Text(json, "role") is not string role)
            throw new ChatTemplateException("A message is not a JSON object with a \"role\".");
        return new ChatMessage(role, Text(json, "content"), Text(json, "name"), json);
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
