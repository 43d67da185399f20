namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>An error as OpenAI's clients expect it.</summary>
internal sealed record ErrorBody(ErrorDetail Error);
