using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Weights;

/// <summary>An expert that every row visits.</summary>
/// <param name="Expert">One expert.</param>
/// <param name="Gate">[1, hidden], never narrowed: its sigmoid weighs the result; null: the weight is 1.</param>
public sealed record SharedExpertWeights(PackedExperts Expert, PackedWeight? Gate)
{
    /// <summary>Of a layer with experts; null where the model has none.</summary>
    internal static SharedExpertWeights? PackShared(WeightPacker packer, LayerTensors tensors, ModelSpec spec) => spec.SharedExpert is not { } shared
        ? null
        : new SharedExpertWeights(
            packer.PackExpert(tensors.SharedExpert()!, spec.HiddenSize, shared.Width),
            tensors.SharedExpertGate() is { } gate ? packer.PackWidened(gate) : null);

    /// <summary>Of a dense layer.</summary>
    internal static SharedExpertWeights PackDense(WeightPacker packer, LayerTensors tensors, ModelSpec spec) =>
        new(packer.PackExpert(tensors.Dense(), spec.HiddenSize, spec.DenseWidth), null);
}
