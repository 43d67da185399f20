using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>Chooses each row's experts and their weights: normed rows to routing.</summary>
internal sealed class Gate(KernelContext context, RouterSpec spec, GateWeights weights, StepMemory memory)
{
    // normed [row, hidden] -> logits [row, experts] -> routing [row, top-k]
    public void Forward(MicroBatch microBatch)
    {
        context.Gemm(weights.Router, new GemmArgs
        {
            In = memory.Normed.At(microBatch),
            Bias = weights.Bias?.Address ?? DeviceAddress.Null,
            Out = memory.RouterLogits.At(microBatch),
            Rows = microBatch.RowCount,
            InStride = memory.Normed.Width,
            OutStride = memory.RouterLogits.Width,
        });
        context.GateTopK(new GateTopKArgs
        {
            Logits = memory.RouterLogits.At(microBatch),
            Correction = weights.Correction?.Address ?? DeviceAddress.Null,
            ExpertsOut = memory.RoutingExpertsOf(microBatch),
            WeightsOut = memory.RoutingWeights.At(microBatch),
            Rows = microBatch.RowCount,
            Experts = spec.ExpertCount,
            TopK = spec.ExpertsPerToken,
            RouterKind = spec.Score,
            Normalize = spec.IsNormalized ? 1 : 0,
            Groups = spec.Groups,
            TopGroups = spec.TopGroups,
            Scaling = spec.Scaling,
            GroupScore = spec.GroupScore,
        });
    }
}
