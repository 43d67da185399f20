using System.Text;
using System.Text.Json;
using MegaInfer.Engine.ChatTemplates;

namespace MegaInfer.Server.OpenAi;

/// <summary>Reads <c>messages</c>. What this server cannot show to the model (images, audio, tool calls) is refused by name.</summary>
internal static class ChatMessagesReader
{
    private static readonly string[] Roles = ["system", "developer", "user", "assistant"];

    /// <exception cref="ApiException">The first thing that is wrong, named by its path.</exception>
    public static IReadOnlyList<ChatMessage> Read(RequestBody body)
    {
        JsonElement messages = body.Find("messages") ?? throw ApiException.Invalid("messages", "Missing required parameter: 'messages'.", "missing_required_parameter");
        if (messages.ValueKind != JsonValueKind.Array)
            throw ApiException.WrongType("messages", "a list", RequestBody.Describe(messages));
        if (messages.GetArrayLength() == 0)
            throw ApiException.Invalid("messages", "'messages' is empty; give at least one message.");
        return [.. messages.EnumerateArray().Select((message, i) => ReadMessage(message, $"messages[{i}]"))];
    }

    private static ChatMessage ReadMessage(JsonElement message, string path)
    {
        if (message.ValueKind != JsonValueKind.Object)
            throw ApiException.WrongType(path, "an object", RequestBody.Describe(message));
        string? role = null;
        string? content = null;
        foreach (JsonProperty member in message.EnumerateObject().Where(member => member.Value.ValueKind != JsonValueKind.Null))
        {
            string name = $"{path}.{member.Name}";
            switch (member.Name)
            {
                case "role":
                    role = ReadRole(member.Value, name);
                    break;
                case "content":
                    content = ReadContent(member.Value, name);
                    break;
                case "refusal" or "annotations" when IsEmpty(member.Value):
                    break;
                case "name" or "tool_calls" or "tool_call_id" or "function_call" or "audio" or "refusal" or "annotations":
                    throw ApiException.Unsupported(name, $"Unsupported parameter: '{name}' is not supported by this server; leave it out.");
                default:
                    throw ApiException.Unknown(name);
            }
        }

        if (role is null)
            throw ApiException.Invalid($"{path}.role", $"Missing required parameter: '{path}.role'.", "missing_required_parameter");
        return content is null
            ? throw ApiException.Invalid($"{path}.content", $"Missing required parameter: '{path}.content'.", "missing_required_parameter")
            : new ChatMessage(role, content);
    }

    private static string ReadRole(JsonElement value, string name)
    {
        string role = value.ValueKind == JsonValueKind.String ? value.GetString()! : throw ApiException.WrongType(name, "a string", RequestBody.Describe(value));
        if (role is "tool" or "function")
            throw ApiException.Unsupported(name, $"Unsupported parameter: '{name}' is '{role}', but this server has no tools yet.");
        if (!Roles.Contains(role))
            throw ApiException.Invalid(name, $"'{name}' must be one of {string.Join(", ", Roles)}, found '{role}'.");
        // OpenAI's newer name of the same thing; chat templates know the older one.
        return role == "developer" ? "system" : role;
    }

    private static string ReadContent(JsonElement value, string name)
    {
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString()!;
        if (value.ValueKind != JsonValueKind.Array)
            throw ApiException.WrongType(name, "a string or a list of text parts", RequestBody.Describe(value));
        var text = new StringBuilder();
        int i = 0;
        foreach (JsonElement part in value.EnumerateArray())
            text.Append(ReadPart(part, $"{name}[{i++}]"));
        return text.ToString();
    }

    private static string ReadPart(JsonElement part, string name)
    {
        if (part.ValueKind != JsonValueKind.Object || !part.TryGetProperty("type", out JsonElement type) || type.ValueKind != JsonValueKind.String)
            throw ApiException.WrongType(name, "an object with a type", RequestBody.Describe(part));
        if (type.GetString() != "text")
            throw ApiException.Unsupported($"{name}.type", $"Unsupported parameter: '{name}.type' is '{type.GetString()}'; this model reads text only.");
        foreach (JsonProperty member in part.EnumerateObject())
        {
            if (member.Name is not ("type" or "text"))
                throw ApiException.Unknown($"{name}.{member.Name}");
        }

        return part.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : throw ApiException.Invalid($"{name}.text", $"Missing required parameter: '{name}.text'.", "missing_required_parameter");
    }

    // Clients send an assistant's earlier answer back as they got it.
    private static bool IsEmpty(JsonElement value) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0;
}
