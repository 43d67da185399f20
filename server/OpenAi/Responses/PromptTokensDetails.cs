namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>How much of the prompt came from the prefix cache.</summary>
internal sealed record PromptTokensDetails(int CachedTokens);
