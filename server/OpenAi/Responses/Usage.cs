namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>Tokens that a request used. Prompts count once, however many samples are drawn from them.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokensDetails PromptTokensDetails);
