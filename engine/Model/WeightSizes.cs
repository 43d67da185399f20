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

    /// <summary>As nodes hold them: at stored width, except that fp16 is widened to fp32 and that a tied LM head is a copy of its own.</summary>
    public static WeightSizes InMemory(ModelSpec spec)
    {
        NumberType plain = spec.Weights.PlainType == NumberType.Float16 ? NumberType.Float32 : spec.Weights.PlainType;
        return Stored(spec with { Weights = spec.Weights with { PlainType = plain }, HasTiedEmbeddings = false });
    }

    private static long Sum(ModelSpec spec, IEnumerable<TensorSpec> tensors)
    {
        bool isFloat8 = spec.Weights.Quantized == NumberType.Float8E4M3;
        return tensors.Sum(tensor => spec.Weights.BytesOf(tensor)
            + (isFloat8 && tensor.Storage == TensorStorage.Projection ? spec.Weights.BytesOf(TensorNames.ScalesOf(tensor)) : 0));
    }
}
