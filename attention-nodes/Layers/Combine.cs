using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>What experts made of a micro-batch, added to its hidden rows: one chain in ascending expert id, the shared expert last, then one addition.</summary>
internal sealed class Combine(KernelContext context, StepMemory memory)
{
    /// <summary>Of a layer with experts: the rows at the addresses in <see cref="StepMemory.ResultOfPair"/>, and the shared expert's where there is one.</summary>
    public void AddExperts(MicroBatch microBatch)
    {
        SharedRows? shared = memory.HasSharedExpert ? memory.Shared : null;
        context.Combine(new CombineArgs
        {
            ResultOfPair = memory.ResultsOf(microBatch),
            Weights = memory.RoutingWeights.At(microBatch),
            Shared = shared?.Results.At(microBatch) ?? DeviceAddress.Null,
            SharedLogits = shared?.Logits.At(microBatch) ?? DeviceAddress.Null,
            Residual = memory.Hidden.At(microBatch),
            Rows = microBatch.RowCount,
            Hidden = memory.Hidden.Width,
            TopK = memory.TopK,
            Stride = memory.Hidden.Width,
        });
    }

    /// <summary>Of a dense layer.</summary>
    public void AddDense(MicroBatch microBatch) => context.Combine(new CombineArgs
    {
        Shared = memory.Shared!.Results.At(microBatch),
        Residual = memory.Hidden.At(microBatch),
        Rows = microBatch.RowCount,
        Hidden = memory.Hidden.Width,
        Stride = memory.Hidden.Width,
    });
}
