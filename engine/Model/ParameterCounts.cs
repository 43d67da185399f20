using MegaInfer.Engine.Cluster;

namespace MegaInfer.Engine.Model;

/// <summary>
/// How many numbers a model has learned, by what they do. Counted from the spec alone; quantised weights count as the numbers they stand for, scales not at all.
/// </summary>
public sealed record ParameterCounts
{
    /// <summary>The table that turns tokens into rows.</summary>
    public required long Embedding { get; init; }

    /// <summary>The table that turns rows into logits; 0 where it is the embedding.</summary>
    public required long LmHead { get; init; }

    /// <summary>Attention, norms, routers, shared experts and dense layers: what every token visits besides.</summary>
    public required long Always { get; init; }

    /// <summary>All routed experts.</summary>
    public required long Routed { get; init; }

    /// <summary>The routed experts that one token visits.</summary>
    public required long Chosen { get; init; }

    public long Total => Embedding + LmHead + Always + Routed;

    /// <summary>Neither embedding nor LM head.</summary>
    public long TotalWithoutEmbeddings => Always + Routed;

    /// <summary>What one token is multiplied with. The LM head counts, the embedding table does not: of that only one row is read.</summary>
    public long Active => (LmHead > 0 ? LmHead : Embedding) + Always + Chosen;

    /// <summary>As <see cref="Active"/>, with the whole embedding table as some authors count it.</summary>
    public long ActiveWithEmbedding => LmHead > 0 ? Active + Embedding : Active;

    /// <summary>Neither embedding nor LM head.</summary>
    public long ActiveWithoutEmbeddings => Always + Chosen;

    public static ParameterCounts Of(ModelSpec spec)
    {
        ModelSpec plain = spec with { Weights = spec.Weights with { Quantized = null } };
        long table = (long)spec.VocabularySize * spec.HiddenSize;
        long head = spec.HasTiedEmbeddings ? 0 : table;
        long attention = new TensorNames(plain).Of(NodeRole.Attention).Sum(tensor => tensor.Elements);
        long layers = spec.Layers.Count(layer => !layer.IsDense);
        // Every layer with experts has the same ones: one stands for all.
        long experts = ExpertTensorSpecs.Of(plain, new TensorNames(plain).Patterns, 0).Sum(tensor => tensor.Elements);
        return new ParameterCounts
        {
            Embedding = table,
            LmHead = head,
            Always = attention - table - head,
            Routed = layers * experts,
            Chosen = layers * (experts / spec.Router.ExpertCount) * spec.Router.ExpertsPerToken,
        };
    }
}
