namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>Log-probabilities in the shape of the older endpoint: parallel lists, one entry for each generated token.</summary>
/// <param name="Tokens">Token texts; bytes that are only part of a character as <c>bytes:\xe2</c>.</param>
/// <param name="TokenLogprobs">Natural, under the raw distribution.</param>
/// <param name="TopLogprobs">The most likely tokens at each place, and the one that was drawn.</param>
/// <param name="TextOffset">Characters of the choice's text before each token.</param>
internal sealed record CompletionLogProbs(
    IReadOnlyList<string> Tokens, IReadOnlyList<float> TokenLogprobs, IReadOnlyList<IReadOnlyDictionary<string, float>> TopLogprobs, IReadOnlyList<int> TextOffset);
