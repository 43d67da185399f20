using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Matches what a folder has with what its model must have: every tensor once, in the right shape and type, and nothing else.</summary>
internal sealed class TensorMatch(string folder, ModelSpec spec, Dictionary<string, (MappedFile File, SafetensorsEntry Entry)> found)
{
    private readonly TensorNames _names = new(spec);
    private readonly Dictionary<string, CheckpointTensor> _tensors = new(StringComparer.Ordinal);
    private readonly IgnoredTensors _ignored = new(spec);

    /// <summary>What <see cref="Tensors"/> left aside; null: nothing.</summary>
    public string? Ignored => _ignored.Text;

    /// <summary>Every tensor of the model by name, scales included.</summary>
    /// <exception cref="CheckpointException">One is missing, wrong or too many.</exception>
    public Dictionary<string, CheckpointTensor> Tensors()
    {
        foreach (TensorSpec expected in _names.All())
        {
            (MappedFile file, SafetensorsEntry entry) = Take(expected);
            NumberType type = TypeOf(expected, file, entry);
            CheckpointTensor? scales = type == NumberType.Float8E4M3 ? TakeScales(expected) : null;
            _tensors.Add(expected.Name, new CheckpointTensor(file, entry, type, expected.Storage) { Scales = scales });
        }

        _ignored.Take(found);
        if (found.Count == 0)
            return _tensors;
        string surplus = found.Keys.Order(StringComparer.Ordinal).First();
        string more = found.Count > 1 ? $" and {found.Count - 1} more tensors" : "";
        throw new CheckpointException($"{found[surplus].File.Path} has tensor \"{surplus}\"{more} that {ModelConfig.FileName} does not account for.");
    }

    private (MappedFile File, SafetensorsEntry Entry) Take(TensorSpec expected)
    {
        if (!found.Remove(expected.Name, out (MappedFile File, SafetensorsEntry Entry) match))
        {
            throw new CheckpointException(
                $"{folder} lacks tensor \"{expected.Name}\" of shape {expected.ShapeText}; download the missing files or mend {ModelConfig.FileName}.");
        }

        if (!match.Entry.Shape.SequenceEqual(expected.Shape))
        {
            throw new CheckpointException(
                $"{match.File.Path}: tensor \"{expected.Name}\" should have shape {expected.ShapeText}, found {match.Entry.ShapeText}.");
        }

        return match;
    }

    private CheckpointTensor TakeScales(TensorSpec matrix)
    {
        TensorSpec expected = TensorNames.ScalesOf(matrix);
        (MappedFile file, SafetensorsEntry entry) = Take(expected);
        var scales = new CheckpointTensor(file, entry, TypeOf(expected, file, entry), expected.Storage);
        _tensors.Add(expected.Name, scales);
        return scales;
    }

    private NumberType TypeOf(TensorSpec expected, MappedFile file, SafetensorsEntry entry)
    {
        if (expected.Storage is TensorStorage.MxFloat4Pairs or TensorStorage.Exponents)
            return entry.Dtype == "U8" ? NumberType.MxFloat4 : throw WrongType(file, entry, "U8");
        bool mayBeFloat8 = expected.Storage == TensorStorage.Projection && spec.Weights.Quantized == NumberType.Float8E4M3;
        return entry.Dtype switch
        {
            "F32" => NumberType.Float32,
            "BF16" => NumberType.BFloat16,
            "F16" => NumberType.Float16,
            "F8_E4M3" when mayBeFloat8 => NumberType.Float8E4M3,
            _ => throw WrongType(file, entry, mayBeFloat8 ? "BF16, F16, F32 or F8_E4M3" : "BF16, F16 or F32"),
        };
    }

    private static CheckpointException WrongType(MappedFile file, SafetensorsEntry entry, string expected) =>
        new($"{file.Path}: tensor \"{entry.Name}\" should be of type {expected}, found {entry.Dtype}.");
}
