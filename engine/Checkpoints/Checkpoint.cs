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

    private Checkpoint(string folder, ModelSpec spec, IReadOnlyList<MappedFile> files, TensorMatch match)
    {
        Folder = folder;
        Spec = spec;
        Names = new TensorNames(spec);
        _files = files;
        _tensors = match.Tensors();
        Ignored = match.Ignored;
    }

    /// <summary>Full path.</summary>
    public string Folder { get; }

    /// <summary>Of all its weight files.</summary>
    public long FileBytes => Files.Sum(file => file.Length);

    public ModelSpec Spec { get; }

    /// <summary>Tensor names by what they do.</summary>
    public TensorNames Names { get; }

    /// <summary>Known extras that the folder has and the model does not compute with, as a list in words; null where there are none.</summary>
    public string? Ignored { get; }

    /// <summary>Every tensor of the model in name order, scales included.</summary>
    internal IEnumerable<CheckpointTensor> Tensors => _tensors.Values.OrderBy(tensor => tensor.Name, StringComparer.Ordinal);

    /// <summary>How most weights are stored: the type of the routed experts' matrices.</summary>
    public NumberType StoredType => StoredTypeOf(NodeRole.Expert);

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
            return new Checkpoint(folder, spec, files, new TensorMatch(folder, spec, found));
        }
        catch
        {
            foreach (MappedFile file in files)
                file.Dispose();
            throw;
        }
    }

    /// <summary>Whether a folder has weights, or only says what they would be.</summary>
    public static bool HasWeights(string folder) =>
        File.Exists(Path.Combine(folder, ShardIndex.SingleFileName)) || File.Exists(Path.Combine(folder, ShardIndex.IndexFileName));

    /// <summary>One tensor of the model; the same object each time.</summary>
    /// <exception cref="CheckpointException">The model has no tensor of that name.</exception>
    public CheckpointTensor Tensor(string name) =>
        _tensors.TryGetValue(name, out CheckpointTensor? tensor) ? tensor : throw new CheckpointException($"{Folder} has no tensor \"{name}\".");

    /// <summary>One layer's weights by what they do.</summary>
    public LayerTensors Layer(int layer) => new(this, layer);

    /// <summary>How a role's matrices are stored: that of the first one. Types may be mixed.</summary>
    public NumberType StoredTypeOf(NodeRole role)
    {
        int layer = Spec.Layers.ToList().FindIndex(layer => !layer.IsDense);
        return (role == NodeRole.Expert ? Layer(layer).Expert(new ExpertId(0)).Gate : Layer(0).Output()).Type;
    }

    /// <summary>Every tensor of a role in the order a token meets them, each FP8 matrix followed by its scales.</summary>
    public IEnumerable<CheckpointTensor> TensorsOf(NodeRole role) =>
        Names.Of(role).Select(spec => Tensor(spec.Name)).SelectMany(tensor => tensor.Scales is { } scales ? [tensor, scales] : new[] { tensor });

    /// <summary>Bytes of a role's tensors in the files.</summary>
    public long BytesOf(NodeRole role) => TensorsOf(role).Sum(tensor => tensor.StoredBytes);

    /// <summary>Gives all mapped pages back; addresses taken so far are invalid.</summary>
    public void Release()
    {
        foreach (CheckpointTensor tensor in _tensors.Values)
            tensor.Release();
    }

    public void Dispose()
    {
        Release();
        foreach (MappedFile file in _files)
            file.Dispose();
    }
}
