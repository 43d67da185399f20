using System.Buffers.Binary;
using System.Text.Json;
using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>All tensors of a folder's safetensors files (one file, or shards with an index), widened to float32.</summary>
internal sealed class OracleWeights
{
    private readonly Dictionary<string, torch.Tensor> _tensors = [];

    /// <summary>Reads model.safetensors, or every shard that model.safetensors.index.json names.</summary>
    public OracleWeights(string folder)
    {
        string index = Path.Combine(folder, "model.safetensors.index.json");
        string[] files = ["model.safetensors"];
        if (File.Exists(index))
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(index));
            files = [.. document.RootElement.GetProperty("weight_map").EnumerateObject().Select(entry => entry.Value.GetString()!).Distinct()];
        }
        foreach (string file in files)
            Read(Path.Combine(folder, file));
    }

    /// <summary>The tensor of a hub name.</summary>
    public torch.Tensor this[string name] => _tensors[name];

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool Has(string name) => _tensors.ContainsKey(name);

    private void Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int headerLength = checked((int)BinaryPrimitives.ReadInt64LittleEndian(file));
        using JsonDocument header = JsonDocument.Parse(file.AsMemory(8, headerLength));
        foreach (JsonProperty entry in header.RootElement.EnumerateObject().Where(entry => entry.Name != "__metadata__"))
        {
            long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
            int[] offsets = [.. entry.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt32())];
            torch.ScalarType type = entry.Value.GetProperty("dtype").GetString() switch
            {
                "BF16" => torch.bfloat16,
                "F16" => torch.float16,
                "F32" => torch.float32,
                var other => throw new NotSupportedException($"{entry.Name} has the dtype {other}."),
            };
            using torch.Tensor stored = torch.empty(shape, type);
            stored.bytes = file.AsSpan(8 + headerLength + offsets[0], offsets[1] - offsets[0]);
            _tensors.Add(entry.Name, stored.to(torch.float32, copy: true));
        }
    }
}
