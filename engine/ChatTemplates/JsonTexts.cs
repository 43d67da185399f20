using System.Text.Json.Serialization;

namespace MegaInfer.Engine.ChatTemplates;

/// <summary>Writes strings as JSON without reflection.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class JsonTexts : JsonSerializerContext;
