using System.Text.Json.Serialization;

namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>A whole chat answer.</summary>
internal sealed record ChatCompletion(string Id, long Created, string Model, string SystemFingerprint, IReadOnlyList<ChatChoice> Choices, Usage Usage, ulong Seed)
{
    [JsonPropertyOrder(-1)]
    public string Object { get; init; } = "chat.completion";

    /// <summary>The prompt as the model saw it, where return_token_ids asks for it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? PromptTokenIds { get; init; }
}
