namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>The answer of /v1/models.</summary>
internal sealed record ModelList(string Object, IReadOnlyList<ModelEntry> Data);
