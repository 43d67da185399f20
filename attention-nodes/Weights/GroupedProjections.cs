using MegaInfer.Engine.Checkpoints;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Weights;

/// <summary>Of grouped attention.</summary>
/// <param name="Qkv">Query, key and value projections stacked: [query width + 2 x KV width, hidden].</param>
/// <param name="QkvBias">[query width + 2 x KV width] fp32, or null.</param>
/// <param name="QueryNorm">[head dim] or [query width] fp32, or null.</param>
/// <param name="KeyNorm">[head dim] or [KV width] fp32, or null.</param>
public sealed record GroupedProjections(PackedWeight Qkv, DeviceBuffer? QkvBias, DeviceBuffer? QueryNorm, DeviceBuffer? KeyNorm) : AttentionProjections
{
    internal static GroupedProjections Pack(WeightPacker packer, LayerTensors tensors) => new(
        packer.Pack(tensors.Qkv()),
        packer.UploadAny(tensors.QkvBias()),
        packer.UploadAny(tensors.QueryNorm()),
        packer.UploadAny(tensors.KeyNorm()));
}
