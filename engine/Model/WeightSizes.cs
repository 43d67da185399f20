using MegaInfer.Engine.Cluster;

namespace MegaInfer.Engine.Model;

/// <summary>Bytes of a model's weights by role, scales included, from the spec alone.</summary>
/// <param name="Attention">Embedding, attention, norms, routers, shared experts, dense layers, LM head.</param>
/// <param name="Experts">The routed experts of all layers.</param>
public sealed record WeightSizes(long Attention, long Experts)
{
    /// <summary>As config.json says that they are stored.</summary>
    public static WeightSizes Stored(ModelSpec spec)
    {
        var names = new TensorNames(spec);
        long layers = spec.Layers.Count(layer => !layer.IsDense);
        // Every layer with experts has the same ones: one stands for all.
        return new WeightSizes(Sum(spec, names.Of(NodeRole.Attention)), layers * Sum(spec, ExpertTensorSpecs.Of(spec, names.Patterns, 0)));
    }

    /// <summary>As nodes hold them: a tied LM head is a copy of its own, and what stays as stored is widened from fp16 to fp32.</summary>
    /// <param name="spec">The model.</param>
    /// <param name="packed">What projections, routed experts and LM head are packed as; null: as stored.</param>
    public static WeightSizes InMemory(ModelSpec spec, NumberType? packed = null)
    {
        NumberType plain = spec.Weights.PlainType == NumberType.Float16 ? NumberType.Float32 : spec.Weights.PlainType;
        ModelSpec held = spec with { Weights = spec.Weights with { PlainType = plain }, HasTiedEmbeddings = false };
        WeightSizes stored = Stored(held);
        if (packed is not { } type)
            return stored;
        var names = new TensorNames(held);
        long layers = held.Layers.Count(layer => !layer.IsDense);
        return new WeightSizes(
            stored.Attention + Change(held, names.Of(NodeRole.Attention), names.LmHead, type),
            stored.Experts + (layers * Change(held, ExpertTensorSpecs.Of(held, names.Patterns, 0), names.LmHead, type)));
    }

    // How many bytes packing adds, or saves.
    private static long Change(ModelSpec spec, IEnumerable<TensorSpec> tensors, string head, NumberType type) => tensors.Sum(tensor => tensor.Storage switch
    {
        TensorStorage.Projection => BytesOf(tensor.Elements, type) - Sum(spec, [tensor]),
        TensorStorage.MxFloat4Pairs => BytesOf(2 * tensor.Elements, type) - Sum(spec, [tensor]),
        TensorStorage.Exponents => -Sum(spec, [tensor]), // they became part of the packed numbers
        _ => tensor.Name == head ? BytesOf(tensor.Elements, type.OfHead()) - Sum(spec, [tensor]) : 0,
    });

    private static long BytesOf(long weights, NumberType type) => (long)(weights * type.BitsWithScales() / 8);

    private static long Sum(ModelSpec spec, IEnumerable<TensorSpec> tensors)
    {
        bool isFloat8 = spec.Weights.Quantized == NumberType.Float8E4M3;
        return tensors.Sum(tensor => spec.Weights.BytesOf(tensor)
            + (isFloat8 && tensor.Storage == TensorStorage.Projection ? spec.Weights.BytesOf(TensorNames.ScalesOf(tensor)) : 0));
    }
}
