using System.Text.Json;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Which safetensors files make up a checkpoint, and which of them holds each tensor where an index says so.</summary>
internal static class ShardIndex
{
    public const string SingleFileName = "model.safetensors";
    public const string IndexFileName = "model.safetensors.index.json";

    /// <summary>Opens a folder's files and lists every tensor in them.</summary>
    /// <returns>The open files, which the caller disposes of, and each tensor's file and entry.</returns>
    /// <exception cref="CheckpointException">No weights, a missing shard, a damaged file, or an index that does not match its shards.</exception>
    public static (IReadOnlyList<MappedFile> Files, Dictionary<string, (MappedFile File, SafetensorsEntry Entry)> Tensors) Open(string folder)
    {
        string single = Path.Combine(folder, SingleFileName);
        string index = Path.Combine(folder, IndexFileName);
        if (!File.Exists(single) && !File.Exists(index))
            throw new CheckpointException($"{folder} holds neither {SingleFileName} nor {IndexFileName}; only safetensors weights can be read.");
        Dictionary<string, string>? shardOfTensor = File.Exists(single) ? null : Read(index);
        string[] names = shardOfTensor is null ? [SingleFileName] : [.. shardOfTensor.Values.Distinct().Order(StringComparer.Ordinal)];
        var files = new List<MappedFile>();
        try
        {
            var tensors = new Dictionary<string, (MappedFile, SafetensorsEntry)>(StringComparer.Ordinal);
            foreach (string name in names)
            {
                var file = new MappedFile(Path.Combine(folder, name));
                files.Add(file);
                foreach (SafetensorsEntry entry in SafetensorsHeader.Read(file).Entries.Values)
                {
                    if (!tensors.TryAdd(entry.Name, (file, entry)))
                        throw new CheckpointException($"{file.Path} has tensor \"{entry.Name}\", which another file has too.");
                }
            }

            CheckIndex(index, shardOfTensor, tensors);
            return (files, tensors);
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    private static void CheckIndex(
        string index, Dictionary<string, string>? shardOfTensor, Dictionary<string, (MappedFile File, SafetensorsEntry Entry)> tensors)
    {
        foreach ((string tensor, string shard) in shardOfTensor ?? [])
        {
            if (!tensors.TryGetValue(tensor, out (MappedFile File, SafetensorsEntry Entry) found) || Path.GetFileName(found.File.Path) != shard)
                throw new CheckpointException($"{index} says that {shard} has tensor \"{tensor}\", which it has not.");
        }
    }

    private static Dictionary<string, string> Read(string path)
    {
        using JsonDocument document = JsonFile.ReadObject(path);
        if (!document.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
            throw new CheckpointException($"{path}: \"weight_map\" should be an object of tensor names and file names.");
        var shardOfTensor = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (JsonProperty property in map.EnumerateObject())
            {
                string? shard = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString() : null;
                // A file beside the index, never a path out of the folder.
                if (string.IsNullOrEmpty(shard) || shard != Path.GetFileName(shard) || shard.Contains('\0') || shard is "." or "..")
                    throw new CheckpointException($"{path}: the file of tensor \"{property.Name}\" should be a file name, found {property.Value.GetRawText()}.");
                if (!shardOfTensor.TryAdd(property.Name, shard))
                    throw new CheckpointException($"{path}: tensor \"{property.Name}\" is listed twice.");
            }
        }
        catch (InvalidOperationException exception)
        {
            throw new CheckpointException($"{path}: \"weight_map\" holds text that is not valid Unicode.", exception);
        }

        return shardOfTensor;
    }
}
