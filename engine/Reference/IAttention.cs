using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>What lies between a layer's first norm and its output projection.</summary>
internal interface IAttention
{
    /// <summary>Normed row [hidden] to the row that the output projection takes. The cache grows by this position.</summary>
    float[] Forward(ReadOnlySpan<float> normed, int position, KvCache cache);

    /// <summary>The attention of one layer.</summary>
    static IAttention Of(ModelSpec spec, LayerTensors tensors, int window, Rope rope, NumberType? type)
    {
        var paged = new PagedAttention(spec.Attention, window, tensors.Sinks());
        return spec.Attention switch
        {
            GroupedAttentionSpec grouped => GroupedAttention.Of(grouped, tensors, spec.NormEpsilon, rope, paged, type),
            LatentAttentionSpec latent => LatentAttention.Of(latent, tensors, rope, paged, type),
            _ => throw new ArgumentOutOfRangeException(nameof(spec)),
        };
    }
}
