using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.AttentionNodes.Layers;

/// <summary>Turns queries and keys by their position, in place.</summary>
internal sealed class Rope(KernelContext context, ModelSpec spec, DeviceBuffer table, StepMemory memory)
{
    /// <param name="microBatch">Whose rows.</param>
    /// <param name="heads">Where the turning part of the first row's first head begins.</param>
    /// <param name="headCount">In a row.</param>
    /// <param name="headStride">From one head to the next.</param>
    /// <param name="stride">From one row to the next.</param>
    public void Forward(MicroBatch microBatch, DeviceAddress heads, int headCount, int headStride, int stride) => context.Rope(new RopeArgs
    {
        RowsData = heads,
        Positions = memory.PositionsOf(microBatch),
        CosineSine = table.Address,
        Rows = microBatch.RowCount,
        Heads = headCount,
        HeadDim = headStride,
        RotaryDim = spec.Rope.RotaryDim,
        Stride = stride,
        Context = spec.ContextLength,
        Pairing = spec.Rope.IsAdjacent ? RopePairing.Adjacent : RopePairing.Halves,
    });
}
