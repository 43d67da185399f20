using System.Text.Json.Serialization;

namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>One sample of a chat.</summary>
internal sealed record ChatChoice(int Index, ChatMessageAnswer Message, ChatLogProbs? Logprobs, string FinishReason)
{
    /// <summary>The generated tokens, where return_token_ids asks for them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? TokenIds { get; init; }
}
