namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>Log-probabilities of a chat choice: one entry for each generated token, the end token included.</summary>
internal sealed record ChatLogProbs(IReadOnlyList<TokenLogProbs> Content)
{
    /// <summary>Always null: the model has no refusals of its own kind.</summary>
    public string? Refusal { get; init; }
}
