using System.Text.Json;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// Typed, bounded access to the fields of a config.json; every error names file, field, expected and found. A dot in a name leads into an object. Remembers what was
/// asked for, so that what a family does not read can be told from what it does.
/// </summary>
internal sealed class ConfigReader(string path, JsonElement root)
{
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    public string Path => path;

    public JsonElement Root => root;

    /// <summary>Whether anybody asked for the field.</summary>
    public bool WasRead(string field) => _read.Contains(field);

    /// <summary>The field, or null where it is absent or JSON null.</summary>
    public JsonElement? Find(string field) => FindStated(field) is { ValueKind: not JsonValueKind.Null } value ? value : null;

    /// <summary>The field, null included; nothing where it is absent.</summary>
    public JsonElement? FindStated(string field)
    {
        _read.Add(field);
        JsonElement value = root;
        int start = 0;
        for (int dot = field.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = field.IndexOf('.', start))
        {
            if (!value.TryGetProperty(field[start..dot], out value) || value.ValueKind == JsonValueKind.Null)
                return null;
            if (value.ValueKind != JsonValueKind.Object)
                throw new CheckpointException($"{path}: \"{field[..dot]}\" should be an object, found {Shorten(value.GetRawText())}.");
            start = dot + 1;
        }

        return value.TryGetProperty(field[start..], out value) ? value : null;
    }

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

    public bool Boolean(Switch choice) => choice.Field is null ? choice.Default : Boolean(choice.Field, choice.Default);

    /// <summary>A token id, a list of them, or nothing.</summary>
    public IEnumerable<int> TokenIds(string field, int vocabularySize) =>
        Integers(field, 0, vocabularySize - 1, $"token ids below the vocabulary size {vocabularySize}");

    /// <summary>A whole number, a list of them, or nothing.</summary>
    public IReadOnlyList<int> Integers(string field, int minimum, int maximum, string expected)
    {
        if (Find(field) is not { } value)
            return [];
        JsonElement[] elements = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        return [.. elements.Select(element =>
            element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int number) && number >= minimum && number <= maximum
                ? number
                : throw Wrong(field, expected))];
    }

    public CheckpointException Wrong(string field, string expected) =>
        new($"{path}: \"{field}\" should be {expected}, found {Found(field)}.");

    /// <summary>For a value that is legal but that this program cannot run.</summary>
    public CheckpointException Unsupported(string field, string supported) =>
        new($"{path}: \"{field}\" = {Found(field)} is not supported; supported: {supported}.");

    internal static float? PositiveOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out float number) && number > 0 && float.IsFinite(number) ? number : null;

    private string Found(string field) => FindStated(field) is { } value ? Shorten(value.GetRawText()) : "nothing";

    /// <summary>One line, whatever the file has.</summary>
    private static string Shorten(string text)
    {
        string line = string.Join(' ', text.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= 120 ? line : line[..120] + "...";
    }
}
