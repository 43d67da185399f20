namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>The answer of /detokenize.</summary>
internal sealed record DetokenizeAnswer(string Prompt);
