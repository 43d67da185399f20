using System.Globalization;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Model;

/// <summary>Where a model's tensors are found in its checkpoint, by what they do, and what shape they must have. Layers are numbered from 0.</summary>
public sealed class TensorNames
{
    private readonly TensorPatterns _patterns;
    private readonly ModelSpec _spec;

    /// <exception cref="MegaInferException">The spec's family is unknown.</exception>
    public TensorNames(ModelSpec spec)
    {
        if (!ModelFamilies.TryFind(spec.Family, out ModelFamily? family))
            throw new MegaInferException($"model_type \"{spec.Family}\" is not supported; supported: {ModelFamilies.Names}.");
        _spec = spec;
        _patterns = family.Tensors;
    }

    /// <summary>[vocabulary, hidden]</summary>
    public string Embedding => _patterns.Embedding;

    /// <summary>[hidden]</summary>
    public string FinalNorm => _patterns.FinalNorm;

    /// <summary>[vocabulary, hidden]; the embedding itself where they are tied.</summary>
    public string LmHead => _spec.HasTiedEmbeddings ? _patterns.Embedding : _patterns.LmHead;

    /// <summary>[hidden]; the norm before attention.</summary>
    public string AttentionNorm(int layer) => Name(_patterns.AttentionNorm, layer);

    /// <summary>[query width, hidden]</summary>
    public string Query(int layer) => Name(_patterns.Query, layer);

    /// <summary>[kv width, hidden]</summary>
    public string Key(int layer) => Name(_patterns.Key, layer);

    /// <summary>[kv width, hidden]</summary>
    public string Value(int layer) => Name(_patterns.Value, layer);

    /// <summary>[head dim]; only where the spec has head norms.</summary>
    public string QueryNorm(int layer) => Name(_patterns.QueryNorm, layer);

    /// <summary>[head dim]; only where the spec has head norms.</summary>
    public string KeyNorm(int layer) => Name(_patterns.KeyNorm, layer);

    /// <summary>[hidden, query width]</summary>
    public string Output(int layer) => Name(_patterns.Output, layer);

    /// <summary>[hidden]; the norm before router and experts.</summary>
    public string FfnNorm(int layer) => Name(_patterns.FfnNorm, layer);

    /// <summary>[experts, hidden]</summary>
    public string Router(int layer) => Name(_patterns.Router, layer);

    /// <summary>[expert width, hidden]</summary>
    public string ExpertGate(int layer, ExpertId expert) => Name(_patterns.ExpertGate, layer, expert);

    /// <summary>[expert width, hidden]</summary>
    public string ExpertUp(int layer, ExpertId expert) => Name(_patterns.ExpertUp, layer, expert);

    /// <summary>[hidden, expert width]</summary>
    public string ExpertDown(int layer, ExpertId expert) => Name(_patterns.ExpertDown, layer, expert);

    /// <summary>Every tensor of a role, in the order a token meets them. Lazy: a config of absurd size costs nothing until it is enumerated.</summary>
    public IEnumerable<TensorSpec> Of(NodeRole role) => role == NodeRole.Attention ? OfAttention() : OfExperts();

    /// <summary>Every tensor of the model.</summary>
    public IEnumerable<TensorSpec> All() => OfAttention().Concat(OfExperts());

    /// <summary>Tensors that may be there and are ignored.</summary>
    public IEnumerable<string> KnownExtras()
    {
        // Savers write the tied head a second time; the authors' code ties it again after loading.
        if (_spec.HasTiedEmbeddings)
            yield return _patterns.LmHead;
        foreach (string pattern in _patterns.KnownExtras)
        {
            for (int layer = 0; layer < _spec.LayerCount; layer++)
                yield return Name(pattern, layer);
        }
    }

    private IEnumerable<TensorSpec> OfAttention()
    {
        var attention = (GroupedAttentionSpec)_spec.Attention;
        int hidden = _spec.HiddenSize;
        yield return new TensorSpec(Embedding, _spec.VocabularySize, hidden);
        for (int layer = 0; layer < _spec.LayerCount; layer++)
        {
            yield return new TensorSpec(AttentionNorm(layer), hidden);
            yield return new TensorSpec(Query(layer), attention.QueryWidth, hidden);
            yield return new TensorSpec(Key(layer), attention.KvWidth, hidden);
            yield return new TensorSpec(Value(layer), attention.KvWidth, hidden);
            if (attention.HeadNorm != HeadNorm.None)
            {
                yield return new TensorSpec(QueryNorm(layer), attention.HeadDim);
                yield return new TensorSpec(KeyNorm(layer), attention.HeadDim);
            }

            yield return new TensorSpec(Output(layer), hidden, attention.QueryWidth);
            yield return new TensorSpec(FfnNorm(layer), hidden);
            yield return new TensorSpec(Router(layer), _spec.Router.ExpertCount, hidden);
        }

        yield return new TensorSpec(FinalNorm, hidden);
        if (!_spec.HasTiedEmbeddings)
            yield return new TensorSpec(LmHead, _spec.VocabularySize, hidden);
    }

    private IEnumerable<TensorSpec> OfExperts()
    {
        for (int layer = 0; layer < _spec.LayerCount; layer++)
        {
            for (int value = 0; value < _spec.Router.ExpertCount; value++)
            {
                var expert = new ExpertId(value);
                yield return new TensorSpec(ExpertGate(layer, expert), _spec.Experts.Width, _spec.HiddenSize);
                yield return new TensorSpec(ExpertUp(layer, expert), _spec.Experts.Width, _spec.HiddenSize);
                yield return new TensorSpec(ExpertDown(layer, expert), _spec.HiddenSize, _spec.Experts.Width);
            }
        }
    }

    private static string Name(string pattern, int layer) =>
        pattern.Replace("{layer}", layer.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private static string Name(string pattern, int layer, ExpertId expert) =>
        Name(pattern, layer).Replace("{expert}", expert.Value.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
