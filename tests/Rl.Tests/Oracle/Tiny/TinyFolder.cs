using System.Buffers.Binary;
using System.Text.Json.Nodes;

namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>Writes a model folder as the hub has it: config.json, and model.safetensors or numbered shards with an index.</summary>
internal static class TinyFolder
{
    public static void Write(string folder, string config, IReadOnlyList<TinyTensor> tensors, int shardCount)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), config + "\n");
        if (shardCount == 1)
        {
            WriteTensors(Path.Combine(folder, "model.safetensors"), tensors);
            return;
        }
        var places = new JsonObject();
        int perShard = (tensors.Count + shardCount - 1) / shardCount;
        for (int shard = 0; shard < shardCount; shard++)
        {
            string name = $"model-{shard + 1:D5}-of-{shardCount:D5}.safetensors";
            TinyTensor[] part = [.. tensors.Skip(shard * perShard).Take(perShard)];
            WriteTensors(Path.Combine(folder, name), part);
            foreach (TinyTensor tensor in part)
                places[tensor.Name] = name;
        }
        var index = new JsonObject
        {
            ["metadata"] = new JsonObject { ["total_size"] = tensors.Sum(tensor => (long)tensor.Data.Length) },
            ["weight_map"] = places,
        };
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), index.ToJsonString());
    }

    private static void WriteTensors(string path, IReadOnlyList<TinyTensor> tensors)
    {
        var header = new JsonObject { ["__metadata__"] = new JsonObject { ["format"] = "pt" } };
        long start = 0;
        foreach (TinyTensor tensor in tensors)
        {
            long end = start + tensor.Data.Length;
            header[tensor.Name] = new JsonObject
            {
                ["dtype"] = tensor.Type,
                ["shape"] = new JsonArray([.. tensor.Shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(start, end),
            };
            start = end;
        }
        byte[] text = System.Text.Encoding.UTF8.GetBytes(header.ToJsonString());
        byte[] length = new byte[8];
        int padding = (8 - (text.Length % 8)) % 8; // the data start at a multiple of 8
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length + padding);
        using FileStream file = File.Create(path);
        file.Write(length);
        file.Write(text);
        file.Write(Enumerable.Repeat((byte)' ', padding).ToArray());
        foreach (TinyTensor tensor in tensors)
            file.Write(tensor.Data);
    }
}
