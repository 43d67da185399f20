using System.Text.Json;

namespace MegaInfer.Server.OpenAi;

/// <summary>Reads <c>chat_template_kwargs</c>: further variables of the model's chat template, such as <c>enable_thinking</c>.</summary>
internal static class TemplateVariables
{
    private const string Name = "chat_template_kwargs";

    // Switches are small; what is large belongs in the messages.
    private const int MaxChars = 64 * 1024;

    // What the request itself says; setting it here would go round its checks.
    private static readonly string[] OfTheRequest = ["messages", "tools", "documents", "add_generation_prompt", "continue_final_message"];

    /// <exception cref="ApiException">Not an object, too large, or it names what the request says elsewhere.</exception>
    public static IReadOnlyDictionary<string, JsonElement> Read(RequestBody body)
    {
        var variables = new Dictionary<string, JsonElement>();
        if (body.Find(Name) is not { } value)
            return variables;
        if (value.ValueKind != JsonValueKind.Object)
            throw ApiException.WrongType(Name, "an object", RequestBody.Describe(value));
        if (value.GetRawText().Length is var length && length > MaxChars)
            throw ApiException.Invalid(Name, $"'{Name}' has {length} characters; at most {MaxChars} are allowed.");
        foreach (JsonProperty member in value.EnumerateObject())
        {
            if (OfTheRequest.Contains(member.Name))
                throw ApiException.Unsupported($"{Name}.{member.Name}", $"Unsupported parameter: '{Name}.{member.Name}' is set by the request itself, not here; leave it out.");
            variables[member.Name] = member.Value;
        }

        return variables;
    }
}
