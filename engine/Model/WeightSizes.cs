using MegaInfer.Engine.Cluster;

namespace MegaInfer.Engine.Model;

/// <summary>Bytes of a model's weights by role, scales included, from the spec alone.</summary>
/// <param name="Attention">Embedding, attention, norms, routers, shared experts, dense layers, LM head.</param>
/// <param name="Experts">The routed experts of all layers.</param>
public sealed record WeightSizes(long Attention, long Experts)
{
    /// <summary>As config.json says that they are stored.</summary>
    public static WeightSizes Stored(ModelSpec spec) => Sum(spec, packed: null);

    /// <summary>As nodes hold them: a tied LM head is a copy of its own, and what stays as stored is widened from fp16 to fp32.</summary>
    /// <param name="spec">The model.</param>
    /// <param name="packed">What projections, routed experts and LM head are packed as; null: as stored.</param>
    public static WeightSizes InMemory(ModelSpec spec, NumberType? packed = null)
    {
        NumberType plain = spec.Weights.PlainType == NumberType.Float16 ? NumberType.Float32 : spec.Weights.PlainType;
        return Sum(spec with { Weights = spec.Weights with { PlainType = plain }, HasTiedEmbeddings = false }, packed);
    }

    private static WeightSizes Sum(ModelSpec spec, NumberType? packed)
    {
        var names = new TensorNames(spec);
        long layers = spec.Layers.Count(layer => !layer.IsDense);
        // Every layer with experts has the same ones: one stands for all.
        return new WeightSizes(
            names.Of(NodeRole.Attention).Sum(tensor => BytesOf(spec, tensor, tensor.Name == names.LmHead ? packed?.OfHead() : Packed(tensor, packed))),
            layers * ExpertTensorSpecs.Of(spec, names.Patterns, 0).Sum(tensor => BytesOf(spec, tensor, Packed(tensor, packed))));
    }

    // Norms, biases, routers and the embedding stay as stored.
    private static NumberType? Packed(TensorSpec tensor, NumberType? packed) =>
        tensor.Storage is TensorStorage.Projection or TensorStorage.MxFloat4Pairs or TensorStorage.Exponents ? packed : null;

    private static long BytesOf(ModelSpec spec, TensorSpec tensor, NumberType? packed) => (packed, tensor.Storage) switch
    {
        ({ }, TensorStorage.Exponents) => 0, // they become part of the packed numbers
        ({ } type, TensorStorage.MxFloat4Pairs) => (long)(2 * tensor.Elements * type.BitsWithScales() / 8),
        ({ } type, _) => (long)(tensor.Elements * type.BitsWithScales() / 8),
        (null, TensorStorage.Projection) when spec.Weights.Quantized == NumberType.Float8E4M3 =>
            spec.Weights.BytesOf(tensor) + spec.Weights.BytesOf(TensorNames.ScalesOf(tensor)),
        _ => spec.Weights.BytesOf(tensor),
    };
}
