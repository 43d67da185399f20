using System.Text.Json;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>A config.json, or an object inside one. A field that is null counts as absent, as it does in the families' definitions.</summary>
internal sealed class OracleConfig
{
    private readonly JsonElement _fields;

    private OracleConfig(JsonElement fields) => _fields = fields;

    /// <summary>Reads config.json of a model folder.</summary>
    public static OracleConfig Read(string folder) => Parse(File.ReadAllText(Path.Combine(folder, "config.json")));

    public static OracleConfig Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return new OracleConfig(document.RootElement.Clone());
    }

    public bool Has(string name) => Find(name) is not null;

    public string Text(string name) => Field(name).GetString()!;

    public int Integer(string name) => Field(name).GetInt32();

    public int Integer(string name, int otherwise) => Find(name)?.GetInt32() ?? otherwise;

    public double Number(string name) => Field(name).GetDouble();

    public double Number(string name, double otherwise) => Find(name)?.GetDouble() ?? otherwise;

    public bool Flag(string name, bool otherwise) => Find(name)?.GetBoolean() ?? otherwise;

    public OracleConfig? Section(string name) => Find(name) is { } fields ? new OracleConfig(fields) : null;

    public IReadOnlyList<int> Integers(string name) => [.. Find(name)?.EnumerateArray().Select(item => item.GetInt32()) ?? []];

    public IReadOnlyList<string> Texts(string name) => [.. Find(name)?.EnumerateArray().Select(item => item.GetString()!) ?? []];

    private JsonElement Field(string name) => Find(name) ?? throw new KeyNotFoundException($"config.json has no {name}.");

    private JsonElement? Find(string name) =>
        _fields.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
