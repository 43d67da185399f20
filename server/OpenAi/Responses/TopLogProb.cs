namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>One of a token's alternatives.</summary>
internal sealed record TopLogProb(string Token, float Logprob, IReadOnlyList<int> Bytes);
