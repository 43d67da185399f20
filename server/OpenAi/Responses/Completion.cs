using System.Text.Json.Serialization;

namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>A completion, whole or one event of a streamed one.</summary>
internal sealed record Completion(string Id, long Created, string Model, string SystemFingerprint, IReadOnlyList<CompletionChoice> Choices)
{
    [JsonPropertyOrder(-1)]
    public string Object { get; init; } = "text_completion";

    /// <summary>As in chunks of a chat; always there in a whole answer.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UsageSlot? Usage { get; init; }

    /// <summary>The seed in force; whole answers only (streams have it in the X-Seed header).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ulong? Seed { get; init; }
}
