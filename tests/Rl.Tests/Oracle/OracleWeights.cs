using System.Buffers.Binary;
using System.Text.Json;
using TorchSharp;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>All tensors of a folder's safetensors files (one file, or shards with an index), as float32 of what is stored.</summary>
internal sealed class OracleWeights : IDisposable
{
    private readonly Dictionary<string, torch.Tensor> _tensors = [];
    private readonly Dictionary<string, (long[] Shape, byte[] Data)> _bytes = [];
    private readonly HashSet<string> _packed = [];

    /// <summary>Reads model.safetensors, or every shard that model.safetensors.index.json names.</summary>
    public OracleWeights(string folder, OracleConfig config, OracleFeatures features)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        string index = Path.Combine(folder, "model.safetensors.index.json");
        string[] files = ["model.safetensors"];
        if (File.Exists(index))
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(index));
            files = [.. document.RootElement.GetProperty("weight_map").EnumerateObject().Select(entry => entry.Value.GetString()!).Distinct()];
        }
        foreach (string file in files)
            Read(Path.Combine(folder, file));
        ScaleBlocks(config, features);
        Unpack(features);
        foreach (torch.Tensor tensor in _tensors.Values)
            tensor.MoveToOuterDisposeScope();
    }

    /// <summary>The tensor of a hub name; for MXFP4 the name without _blocks and _scales.</summary>
    public torch.Tensor this[string name] => _tensors[name];

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <summary>Whether a tensor was stored in MXFP4.</summary>
    public bool IsPacked(string name) => _packed.Contains(name);

    public void Dispose()
    {
        foreach (torch.Tensor tensor in _tensors.Values)
            tensor.Dispose();
    }

    private void Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int headerLength = checked((int)BinaryPrimitives.ReadInt64LittleEndian(file));
        using JsonDocument header = JsonDocument.Parse(file.AsMemory(8, headerLength));
        foreach (JsonProperty entry in header.RootElement.EnumerateObject().Where(entry => entry.Name != "__metadata__"))
        {
            long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
            int[] offsets = [.. entry.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt32())];
            Span<byte> data = file.AsSpan(8 + headerLength + offsets[0], offsets[1] - offsets[0]);
            switch (entry.Value.GetProperty("dtype").GetString())
            {
                case "U8":
                    _bytes.Add(entry.Name, (shape, data.ToArray()));
                    break;
                case "F8_E4M3":
                    _tensors.Add(entry.Name, torch.from_array(Array.ConvertAll(data.ToArray(), OracleNumbers.Eight)).view(shape));
                    break;
                case "BF16":
                    _tensors.Add(entry.Name, Widened(data, shape, torch.bfloat16));
                    break;
                case "F16":
                    _tensors.Add(entry.Name, Widened(data, shape, torch.float16));
                    break;
                case "F32":
                    _tensors.Add(entry.Name, Widened(data, shape, torch.float32));
                    break;
                case var other:
                    throw new NotSupportedException($"{entry.Name} has the dtype {other}.");
            }
        }
    }

    private static torch.Tensor Widened(Span<byte> data, long[] shape, torch.ScalarType type)
    {
        torch.Tensor stored = torch.empty(shape, type);
        stored.bytes = data;
        return stored.to(torch.float32, copy: true);
    }

    private void ScaleBlocks(OracleConfig config, OracleFeatures features)
    {
        const string Suffix = "_scale_inv";
        foreach (string scaleName in _tensors.Keys.Where(name => name.EndsWith(Suffix, StringComparison.Ordinal)).ToArray())
        {
            IReadOnlyList<int> block = config.Section("quantization_config")!.Integers("weight_block_size");
            torch.Tensor scales = _tensors[scaleName];
            if (!features.Keeps(OracleFeature.ScaleBlocks))
                scales = scales.narrow(0, 0, 1).narrow(1, 0, 1).expand(scales.shape);
            string name = scaleName[..^Suffix.Length];
            _tensors[name] = OracleNumbers.Scaled(_tensors[name], scales, block[0], block[1]);
        }
    }

    private void Unpack(OracleFeatures features)
    {
        const string Suffix = "_blocks";
        foreach ((string blocksName, (long[] shape, byte[] blocks)) in _bytes.Where(entry => entry.Key.EndsWith(Suffix, StringComparison.Ordinal)))
        {
            string name = blocksName[..^Suffix.Length];
            byte[] scales = _bytes[name + "_scales"].Data;
            _tensors.Add(name, OracleNumbers.Unpacked(blocks, scales, shape, features.Keeps(OracleFeature.NibbleOrder)));
            _packed.Add(name);
        }
    }
}
