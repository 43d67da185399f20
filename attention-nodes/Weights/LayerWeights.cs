using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Weights;

/// <summary>The attention side's weights of one layer, packed; owned by <see cref="AttentionWeights"/>. Immutable.</summary>
public sealed record LayerWeights
{
    /// <summary>[hidden] fp32</summary>
    public required DeviceBuffer AttentionNorm { get; init; }

    /// <summary><see cref="GroupedProjections"/> or <see cref="LatentProjections"/>.</summary>
    public required AttentionProjections Projections { get; init; }

    /// <summary>[heads] fp32; null where there are none.</summary>
    public DeviceBuffer? Sinks { get; init; }

    /// <summary>[hidden, output input width]</summary>
    public required PackedWeight Output { get; init; }

    /// <summary>[hidden] fp32; null where there is none.</summary>
    public DeviceBuffer? OutputBias { get; init; }

    /// <summary>[hidden] fp32</summary>
    public required DeviceBuffer FfnNorm { get; init; }

    /// <summary>Null in a dense layer.</summary>
    public GateWeights? Gate { get; init; }

    /// <summary>A dense layer's FFN, or the shared expert of one with experts; null where there is neither.</summary>
    public SharedExpertWeights? Shared { get; init; }

    internal static LayerWeights Pack(WeightPacker packer, LayerTensors tensors, ModelSpec spec, int layer)
    {
        bool isDense = spec.Layers[layer].IsDense;
        return new LayerWeights
        {
            AttentionNorm = packer.Upload(tensors.AttentionNorm()),
            Projections = spec.Attention switch
            {
                LatentAttentionSpec latent => LatentProjections.Pack(packer, tensors, latent),
                _ => GroupedProjections.Pack(packer, tensors),
            },
            Sinks = packer.UploadAny(tensors.Sinks()),
            Output = packer.Pack(tensors.Output()),
            OutputBias = packer.UploadAny(tensors.OutputBias()),
            FfnNorm = packer.Upload(tensors.FfnNorm()),
            Gate = isDense ? null : GateWeights.Pack(packer, tensors),
            Shared = isDense ? SharedExpertWeights.PackDense(packer, tensors, spec) : SharedExpertWeights.PackShared(packer, tensors, spec),
        };
    }
}
