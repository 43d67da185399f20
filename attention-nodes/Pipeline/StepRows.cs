using MegaInfer.Engine.Memory;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>fp32 numbers of every row of the step, [rows, width] without gaps. Row r belongs to the same token in all of them.</summary>
/// <param name="Start">Null where the model has no use for them.</param>
/// <param name="Width">Numbers of a row, and from one row to the next.</param>
public readonly record struct StepRows(DeviceAddress Start, int Width)
{
    /// <summary>From a micro-batch's first row on, optionally less so many columns.</summary>
    public DeviceAddress At(MicroBatch microBatch, int column = 0) =>
        Start.IsNull ? Start : Start.Plus((((long)microBatch.FirstRow * Width) + column) * sizeof(float));
}
