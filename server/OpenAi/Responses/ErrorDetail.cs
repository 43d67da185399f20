namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>Inside an error: what, of which kind, about which field.</summary>
internal sealed record ErrorDetail(string Message, string Type, string? Param, string? Code);
