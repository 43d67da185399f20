using MegaInfer.Engine.Checkpoints;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Weights;

/// <summary>What chooses the experts of each row.</summary>
/// <param name="Router">[experts, hidden], in fp32.</param>
/// <param name="Bias">[experts] fp32, or null.</param>
/// <param name="Correction">[experts] fp32, or null: added to the scores for the choice only.</param>
public sealed record GateWeights(PackedWeight Router, DeviceBuffer? Bias, DeviceBuffer? Correction)
{
    internal static GateWeights Pack(WeightPacker packer, LayerTensors tensors) =>
        new(packer.PackWidened(tensors.Router()), packer.UploadAny(tensors.RouterBias()), packer.UploadAny(tensors.RouterCorrection()));
}
