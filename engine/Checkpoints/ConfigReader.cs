using System.Text.Json;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Typed, bounded access to the fields of a config.json; every error names file, field, expected and found.</summary>
internal sealed class ConfigReader(string path, JsonElement root)
{
    public string Path => path;

    /// <summary>The field, or null where it is absent or JSON null.</summary>
    public JsonElement? Find(string field) =>
        root.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public string String(string field) =>
        Find(field) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : throw Wrong(field, "a string");

    /// <summary>A whole number in minimum..maximum. Absent: <paramref name="fallback"/>, or an error where that is null.</summary>
    public int Integer(string field, int minimum, int maximum, int? fallback = null)
    {
        string expected = $"a whole number from {minimum} to {maximum}";
        if (Find(field) is not { } value)
            return fallback ?? throw Wrong(field, expected);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= minimum && number <= maximum
            ? number
            : throw Wrong(field, expected);
    }

    /// <summary>A finite number above 0.</summary>
    public float Positive(string field, float fallback)
    {
        if (Find(field) is not { } value)
            return fallback;
        return PositiveOf(value) ?? throw Wrong(field, "a number above 0");
    }

    public bool Boolean(string field, bool fallback) => Find(field) switch
    {
        null => fallback,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw Wrong(field, "true or false"),
    };

    /// <summary>A token id, a list of them, or nothing.</summary>
    public IEnumerable<int> TokenIds(string field, int vocabularySize)
    {
        if (Find(field) is not { } value)
            return [];
        JsonElement[] elements = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        return [.. elements.Select(element =>
            element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int id) && id >= 0 && id < vocabularySize
                ? id
                : throw Wrong(field, $"token ids below the vocabulary size {vocabularySize}"))];
    }

    public CheckpointException Wrong(string field, string expected)
    {
        string found = Find(field) is { } value ? Shorten(value.GetRawText()) : "nothing";
        return new CheckpointException($"{path}: \"{field}\" should be {expected}, found {found}.");
    }

    /// <summary>For a value that is legal but that this program cannot run.</summary>
    public CheckpointException Unsupported(string field, string supported)
    {
        string found = Find(field) is { } value ? Shorten(value.GetRawText()) : "nothing";
        return new CheckpointException($"{path}: \"{field}\" = {found} is not supported; supported: {supported}.");
    }

    internal static float? PositiveOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out float number) && number > 0 && float.IsFinite(number) ? number : null;

    private static string Shorten(string text) => text.Length <= 120 ? text : text[..120] + "...";
}
