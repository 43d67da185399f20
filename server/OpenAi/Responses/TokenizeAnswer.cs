namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>The answer of /tokenize.</summary>
internal sealed record TokenizeAnswer(int Count, int MaxModelLen, IReadOnlyList<int> Tokens);
