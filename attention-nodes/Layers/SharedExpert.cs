using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Weights;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>
/// An expert that every row of a layer visits on the attention side: a shared one, or the FFN of a dense layer. Its rows are added by <see cref="Combine"/>.
/// </summary>
internal sealed class SharedExpert(KernelContext context, SharedExpertWeights weights, StepMemory memory)
{
    private readonly SharedRows _rows = memory.Shared!;

    // normed [row, hidden] -> results [row, hidden] and, where it has a gate, logits [row]
    public void Forward(MicroBatch microBatch)
    {
        context.GroupedFfn(weights.Expert, new GroupedFfnArgs
        {
            Offsets = _rows.Offsets.Plus(2L * microBatch.RowCount * sizeof(int)),
            RowOfPair = _rows.NormedOfRow.Plus((long)microBatch.FirstRow * nint.Size),
            OutOfPair = _rows.ResultOfRow.Plus((long)microBatch.FirstRow * nint.Size),
            Pairs = microBatch.RowCount,
        });
        if (weights.Gate is null)
            return;
        context.Gemm(weights.Gate, new GemmArgs
        {
            In = memory.Normed.At(microBatch),
            Out = _rows.Logits.At(microBatch),
            Rows = microBatch.RowCount,
            InStride = memory.Normed.Width,
            OutStride = _rows.Logits.Width,
        });
    }
}
