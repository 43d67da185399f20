using System.Text.Json.Serialization;

namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>A place for usage that can hold an explicit null, as streamed chunks have before the last.</summary>
/// <param name="Value">Null: written as null.</param>
[JsonConverter(typeof(UsageSlotConverter))]
internal sealed record UsageSlot(Usage? Value);
