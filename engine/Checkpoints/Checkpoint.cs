using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// A Hugging Face model folder, open for reading. Opening reads config.json and the headers only; a tensor's data are mapped when its address is first
/// asked for, so each role holds its own tensors and nothing else. Any thread may call, except <see cref="Dispose"/>, which ends every address.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    private readonly IReadOnlyList<MappedFile> _files;
    private readonly Dictionary<string, CheckpointTensor> _tensors;

    private Checkpoint(string folder, ModelSpec spec, IReadOnlyList<MappedFile> files, Dictionary<string, CheckpointTensor> tensors)
    {
        Folder = folder;
        Spec = spec;
        Names = new TensorNames(spec);
        _files = files;
        _tensors = tensors;
    }

    /// <summary>Full path.</summary>
    public string Folder { get; }

    public ModelSpec Spec { get; }

    /// <summary>Tensor names by what they do.</summary>
    public TensorNames Names { get; }

    /// <summary>How the weights are stored: the type of the first layer's query projection.</summary>
    public NumberType StoredType => Tensor(Names.Query(0)).NumberType;

    /// <summary>The weight files, in name order.</summary>
    internal IReadOnlyList<MappedFile> Files => _files;

    /// <summary>
    /// Opens a folder and checks that every tensor of the model is there in the right shape, in a type that can be read, and that there is nothing else.
    /// </summary>
    /// <exception cref="CheckpointException">Anything that keeps the folder from being used, in one sentence.</exception>
    public static Checkpoint Open(string folder)
    {
        ModelSpec spec = ModelConfig.Read(folder);
        folder = Path.GetFullPath(folder);
        (IReadOnlyList<MappedFile> files, Dictionary<string, (MappedFile File, SafetensorsEntry Entry)> found) = ShardIndex.Open(folder);
        try
        {
            return new Checkpoint(folder, spec, files, Match(folder, new TensorNames(spec), found));
        }
        catch
        {
            foreach (MappedFile file in files)
                file.Dispose();
            throw;
        }
    }

    /// <summary>One tensor of the model; the same object each time.</summary>
    /// <exception cref="CheckpointException">The model has no tensor of that name.</exception>
    public CheckpointTensor Tensor(string name) =>
        _tensors.TryGetValue(name, out CheckpointTensor? tensor) ? tensor : throw new CheckpointException($"{Folder} has no tensor \"{name}\".");

    /// <summary>One layer's weights by what they do.</summary>
    public LayerTensors Layer(int layer) => new(this, layer);

    /// <summary>Every tensor of a role, in the order a token meets them.</summary>
    public IEnumerable<CheckpointTensor> TensorsOf(NodeRole role) => Names.Of(role).Select(spec => Tensor(spec.Name));

    /// <summary>Gives all mapped pages back; addresses taken so far are invalid.</summary>
    public void Release()
    {
        foreach (CheckpointTensor tensor in _tensors.Values)
            tensor.Release();
    }

    public void Dispose()
    {
        foreach (MappedFile file in _files)
            file.Dispose();
    }

    private static Dictionary<string, CheckpointTensor> Match(
        string folder, TensorNames names, Dictionary<string, (MappedFile File, SafetensorsEntry Entry)> found)
    {
        var tensors = new Dictionary<string, CheckpointTensor>(StringComparer.Ordinal);
        foreach (TensorSpec expected in names.All())
        {
            if (!found.Remove(expected.Name, out (MappedFile File, SafetensorsEntry Entry) match))
            {
                throw new CheckpointException(
                    $"{folder} lacks tensor \"{expected.Name}\" of shape {expected.ShapeText}; download the missing files or mend {ModelConfig.FileName}.");
            }

            (MappedFile file, SafetensorsEntry entry) = match;
            if (!entry.Shape.SequenceEqual(expected.Shape))
                throw new CheckpointException($"{file.Path}: tensor \"{entry.Name}\" should have shape {expected.ShapeText}, found {entry.ShapeText}.");
            NumberType type = TypeOf(entry.Dtype)
                ?? throw new CheckpointException($"{file.Path}: tensor \"{entry.Name}\" should be of type BF16, F16 or F32, found {entry.Dtype}.");
            tensors.Add(entry.Name, new CheckpointTensor(file, entry, type));
        }

        foreach (string extra in names.KnownExtras())
            found.Remove(extra);
        if (found.Count > 0)
        {
            string surplus = found.Keys.Order(StringComparer.Ordinal).First();
            string more = found.Count > 1 ? $" and {found.Count - 1} more tensors" : "";
            throw new CheckpointException($"{found[surplus].File.Path} has tensor \"{surplus}\"{more} that {ModelConfig.FileName} does not account for.");
        }

        return tensors;
    }

    private static NumberType? TypeOf(string dtype) => dtype switch
    {
        "F32" => NumberType.Float32,
        "BF16" => NumberType.BFloat16,
        "F16" => NumberType.Float16,
        _ => null,
    };
}
