using System.Globalization;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Model;

/// <summary>Where a model's tensors are found in its checkpoint, by what they do, and what shape they must have. Layers are numbered from 0.</summary>
public sealed class TensorNames
{
    private readonly ModelSpec _spec;

    /// <exception cref="MegaInferException">The spec's family is unknown.</exception>
    public TensorNames(ModelSpec spec)
    {
        if (!ModelFamilies.TryFind(spec.Family, out ModelFamily? family))
            throw new MegaInferException($"model_type \"{spec.Family}\" is not supported; supported: {ModelFamilies.Names}.");
        _spec = spec;
        Patterns = family.Tensors;
    }

    /// <summary>[vocabulary, hidden]</summary>
    public string Embedding => Patterns.Embedding;

    /// <summary>[hidden]</summary>
    public string FinalNorm => Patterns.FinalNorm;

    /// <summary>[vocabulary, hidden]; the embedding itself where they are tied.</summary>
    public string LmHead => _spec.HasTiedEmbeddings ? Patterns.Embedding : Patterns.LmHead;

    internal TensorPatterns Patterns { get; }

    /// <summary>[hidden]; the norm before attention.</summary>
    public string AttentionNorm(int layer) => Name(Patterns.AttentionNorm, layer);

    /// <summary>[query width, hidden]</summary>
    public string Query(int layer) => Name(Patterns.Query, layer);

    /// <summary>[kv width, hidden]</summary>
    public string Key(int layer) => Name(Patterns.Key, layer);

    /// <summary>[kv width, hidden]</summary>
    public string Value(int layer) => Name(Patterns.Value, layer);

    /// <summary>[head dim] or [query width]; only where the spec has head norms.</summary>
    public string QueryNorm(int layer) => Name(Patterns.QueryNorm, layer);

    /// <summary>[head dim] or [kv width]; only where the spec has head norms.</summary>
    public string KeyNorm(int layer) => Name(Patterns.KeyNorm, layer);

    /// <summary>[hidden, output input width]</summary>
    public string Output(int layer) => Name(Patterns.Output, layer);

    /// <summary>[hidden]; the norm before router and experts.</summary>
    public string FfnNorm(int layer) => Name(Patterns.FfnNorm, layer);

    /// <summary>[experts, hidden]</summary>
    public string Router(int layer) => Name(Patterns.Router, layer);

    /// <summary>[expert width, hidden], where each expert has its own.</summary>
    public string ExpertGate(int layer, ExpertId expert) => Name(Patterns.ExpertGate.Name, layer, expert);

    /// <summary>[expert width, hidden], where each expert has its own.</summary>
    public string ExpertUp(int layer, ExpertId expert) => Name(Patterns.ExpertUp.Name, layer, expert);

    /// <summary>[hidden, expert width], where each expert has its own.</summary>
    public string ExpertDown(int layer, ExpertId expert) => Name(Patterns.ExpertDown.Name, layer, expert);

    /// <summary>Every tensor of a role, in the order a token meets them. Lazy: a config of absurd size costs nothing until it is enumerated.</summary>
    public IEnumerable<TensorSpec> Of(NodeRole role) => role == NodeRole.Attention ? OfAttention() : OfExperts();

    /// <summary>Every tensor of the model, except the scales of FP8 matrices, which lie beside those that are.</summary>
    public IEnumerable<TensorSpec> All() => OfAttention().Concat(OfExperts());

    /// <summary>The scales of an FP8 matrix: one for each block.</summary>
    internal static TensorSpec ScalesOf(TensorSpec matrix)
    {
        const int block = WeightFormat.Float8Block;
        return new TensorSpec(matrix.Name + "_scale_inv", (matrix.Shape[0] + block - 1) / block, (matrix.Shape[1] + block - 1) / block) { Storage = TensorStorage.Scales };
    }

    /// <summary>The name of a projection's bias.</summary>
    internal static string BiasOf(string matrix) => matrix.EndsWith(".weight", StringComparison.Ordinal) ? matrix[..^"weight".Length] + "bias" : matrix + ".bias";

    internal static string Name(string pattern, int layer) =>
        pattern.Replace("{layer}", layer.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    internal static string Name(string pattern, int layer, ExpertId expert) =>
        Name(pattern, layer).Replace("{expert}", expert.Value.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private IEnumerable<TensorSpec> OfAttention()
    {
        yield return new TensorSpec(Embedding, _spec.VocabularySize, _spec.HiddenSize);
        for (int layer = 0; layer < _spec.LayerCount; layer++)
        {
            foreach (TensorSpec tensor in LayerTensorSpecs.OfAttention(_spec, Patterns, layer))
                yield return tensor;
        }

        yield return new TensorSpec(FinalNorm, _spec.HiddenSize);
        if (!_spec.HasTiedEmbeddings)
            yield return new TensorSpec(LmHead, _spec.VocabularySize, _spec.HiddenSize);
    }

    private IEnumerable<TensorSpec> OfExperts()
    {
        for (int layer = 0; layer < _spec.LayerCount; layer++)
        {
            if (_spec.Layers[layer].IsDense)
                continue;
            foreach (TensorSpec tensor in ExpertTensorSpecs.Of(_spec, Patterns, layer))
                yield return tensor;
        }
    }
}
