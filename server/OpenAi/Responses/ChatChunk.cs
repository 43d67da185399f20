using System.Text.Json.Serialization;

namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>One event of a streamed chat.</summary>
internal sealed record ChatChunk(string Id, long Created, string Model, string SystemFingerprint, IReadOnlyList<ChatChunkChoice> Choices)
{
    [JsonPropertyOrder(-1)]
    public string Object { get; init; } = "chat.completion.chunk";

    /// <summary>Left out unless the request includes usage; then null on every chunk but the last.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UsageSlot? Usage { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? PromptTokenIds { get; init; }
}
