using System.Text.Json;
using System.Text.Json.Nodes;

namespace MegaInfer.Engine.Checkpoints.Random;

/// <summary>A config.json in the making. A dot in a name leads into an object, as in <see cref="ConfigReader"/>.</summary>
internal sealed class ConfigDraft
{
    private readonly JsonObject _root = [];

    public void Set(string field, JsonNode? value)
    {
        JsonObject parent = _root;
        string[] path = field.Split('.');
        foreach (string name in path[..^1])
        {
            if (parent[name] is not JsonObject child)
                parent[name] = child = [];
            parent = child;
        }

        parent[path[^1]] = value;
    }

    /// <summary>Nothing where the family has no such field.</summary>
    public void SetIfNamed(string? field, JsonNode? value)
    {
        if (field is not null)
            Set(field, value);
    }

    public void Write(string path)
    {
        using FileStream stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        _root.WriteTo(json);
    }
}
