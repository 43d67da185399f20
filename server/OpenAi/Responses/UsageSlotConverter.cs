using System.Text.Json;
using System.Text.Json.Serialization;

namespace MegaInfer.Server.OpenAi.Responses;

/// <summary>Writes what is in the slot.</summary>
internal sealed class UsageSlotConverter : JsonConverter<UsageSlot>
{
    public override UsageSlot Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

    public override void Write(Utf8JsonWriter writer, UsageSlot value, JsonSerializerOptions options)
    {
        if (value.Value is null)
            writer.WriteNullValue();
        else
            JsonSerializer.Serialize(writer, value.Value, OpenAiJson.Relaxed.Usage);
    }
}
