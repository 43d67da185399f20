using System.Text.Json;

namespace MegaInfer.Engine.Tokenization.Files;

/// <summary>Reads fields of a tokenizer file; a field of the wrong kind is refused by name.</summary>
internal static class JsonFields
{
    /// <summary>The field, or null where it is absent or null.</summary>
    public static JsonElement? Field(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? value
            : null;

    public static bool Flag(this JsonElement json, string name, bool otherwise = false) => json.Field(name) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw new TokenizerException($"\"{name}\" is not true or false"),
    };

    public static string? Text(this JsonElement json, string name) => json.Field(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        _ => throw new TokenizerException($"\"{name}\" is not a string"),
    };

    public static int Number(this JsonElement json, string name, int otherwise) => json.Field(name) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out int value) => value,
        _ => throw new TokenizerException($"\"{name}\" is not a whole number"),
    };

    public static IEnumerable<JsonElement> Items(this JsonElement json, string name) => json.Field(name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } array => array.EnumerateArray(),
        _ => throw new TokenizerException($"\"{name}\" is not a list"),
    };

    /// <summary>A token written as a string or as an object with "content"; null if absent.</summary>
    public static string? TokenText(this JsonElement json, string name) =>
        json.Field(name) is { ValueKind: JsonValueKind.Object } token ? token.Text("content") : json.Text(name);
}
