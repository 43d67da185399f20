namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>One model.</summary>
internal sealed record ModelEntry(string Id, string Object, long Created, string OwnedBy, int MaxModelLen);
