using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;

namespace MegaInfer.Bench.Cluster;

/// <summary>What the nodes of a cluster pack weights as, by part of the model.</summary>
/// <param name="Projections">Attention projections, shared experts and dense layers.</param>
/// <param name="Experts">Routed experts.</param>
/// <param name="Head">The LM head; unless it is quantised, also what routers and embedding are stored as, which never are.</param>
public sealed record LocalWeightTypes(NumberType Projections, NumberType Experts, NumberType Head)
{
    /// <summary>For example <c>bf16</c>, or <c>bf16+mxfp4</c>.</summary>
    public string ShortName => string.Join('+', new[] { Projections, Experts, Head }.Distinct().Order().Select(type => type.ShortName()));

    /// <param name="checkpoint">The model.</param>
    /// <param name="wanted">Null: as stored.</param>
    public static LocalWeightTypes Of(Checkpoint checkpoint, NumberType? wanted)
    {
        int layer = checkpoint.Spec.Layers.ToList().FindIndex(layer => !layer.IsDense);
        LayerTensors tensors = checkpoint.Layer(layer);
        return new LocalWeightTypes(
            Packed(tensors.Output(), wanted),
            Packed(tensors.Expert(new ExpertId(0)).Gate, wanted),
            Packed(MatrixView.Whole(checkpoint.Tensor(checkpoint.Names.LmHead)), wanted?.OfHead()));

        static NumberType Packed(MatrixView matrix, NumberType? type) => (NumberType)CheckpointPacking.PackedType([matrix], type);
    }
}
