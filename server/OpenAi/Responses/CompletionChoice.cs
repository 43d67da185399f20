using System.Text.Json.Serialization;

namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>One sample of one prompt, whole or as part of a chunk.</summary>
internal sealed record CompletionChoice(int Index, string Text, CompletionLogProbs? Logprobs, string? FinishReason)
{
    /// <summary>The generated tokens, where return_token_ids asks for them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? TokenIds { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? PromptTokenIds { get; init; }
}
