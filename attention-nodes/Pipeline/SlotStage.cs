using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Memory;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// Where a GPU leaves rows for slots, which are host memory that it does not reach, and finds what came back in them. Each micro-batch has the part of its own
/// pairs. Belongs to the node loop.
/// </summary>
internal sealed class SlotStage(DeviceAddress rows, DeviceAddress results, PipelineShape shape, int topK)
{
    /// <summary>[rows of a piece][row bytes], for the rows from <paramref name="rowStart"/> of the micro-batch's dispatch on.</summary>
    public DeviceAddress RowsOf(MicroBatch microBatch, int rowStart) => rows.Plus(((long)microBatch.FirstRow * topK + rowStart) * shape.RowBytes);

    /// <summary>The result of a pair of the micro-batch. [result bytes]</summary>
    public DeviceAddress ResultOf(MicroBatch microBatch, int pair) => results.Plus(((long)microBatch.FirstRow * topK + pair) * shape.ResultBytes);

    /// <summary>What the GPU has left, to the peer's slot.</summary>
    public void Send(MicroBatch microBatch, int rowStart, int rowCount, DeviceAddress slotRows) =>
        Copy(RowsOf(microBatch, rowStart), slotRows, rowCount * shape.RowBytes);

    /// <summary>A pair's result row, from the slot to where the GPU reads it.</summary>
    public DeviceAddress Fetch(MicroBatch microBatch, int pair, DeviceAddress slotRow)
    {
        DeviceAddress place = ResultOf(microBatch, pair);
        Copy(slotRow, place, shape.ResultBytes);
        return place;
    }

    private static void Copy(DeviceAddress from, DeviceAddress to, int bytes) => from.HostSpan<byte>(bytes).CopyTo(to.HostSpan<byte>(bytes));
}
