using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Weights;

/// <summary>Of latent attention in its absorbed form.</summary>
public sealed record LatentProjections : AttentionProjections
{
    /// <summary>[query rank, hidden]; null where queries come straight from the row.</summary>
    public PackedWeight? QueryDown { get; init; }

    /// <summary>[query rank] fp32, as <see cref="QueryDown"/>.</summary>
    public DeviceBuffer? QueryDownNorm { get; init; }

    /// <summary>[heads x (nope + rope), query rank or hidden]</summary>
    public required PackedWeight QueryUp { get; init; }

    /// <summary>[KV rank + rope, hidden]</summary>
    public required PackedWeight KvDown { get; init; }

    /// <summary>[KV rank] fp32</summary>
    public required DeviceBuffer KvDownNorm { get; init; }

    /// <summary>[heads][KV rank, nope]</summary>
    public required PackedHeads QueryAbsorb { get; init; }

    /// <summary>[heads][value head dim, KV rank]</summary>
    public required PackedHeads ValueUp { get; init; }

    internal static LatentProjections Pack(WeightPacker packer, LayerTensors tensors, LatentAttentionSpec spec) => new()
    {
        QueryDown = tensors.QueryDown() is { } down ? packer.Pack(down) : null,
        QueryDownNorm = packer.UploadAny(tensors.QueryDownNorm()),
        QueryUp = packer.Pack(tensors.QueryUp()),
        KvDown = packer.Pack(tensors.KvDown()),
        KvDownNorm = packer.Upload(tensors.KvDownNorm()),
        QueryAbsorb = packer.PackHeads([.. Enumerable.Range(0, spec.HeadCount).Select(tensors.QueryAbsorb)]),
        ValueUp = packer.PackHeads([.. Enumerable.Range(0, spec.HeadCount).Select(tensors.ValueUp)]),
    };
}
