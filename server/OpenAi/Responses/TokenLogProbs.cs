namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>One generated token of a chat with its raw log-probability.</summary>
/// <param name="Token">Its text; U+FFFD where its bytes are only part of a character.</param>
/// <param name="Logprob">Natural, under the raw distribution.</param>
/// <param name="Bytes">Its bytes.</param>
/// <param name="TopLogprobs">The most likely tokens at this place, as many as asked for.</param>
internal sealed record TokenLogProbs(string Token, float Logprob, IReadOnlyList<int> Bytes, IReadOnlyList<TopLogProb> TopLogprobs);
