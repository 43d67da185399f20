namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>How the rows of a step are divided among micro-batches. Pure.</summary>
public static class MicroBatchSplit
{
    /// <summary>Micro-batches that a step of so many rows really uses: none is empty, and none has fewer rows than asked for, unless it is alone.</summary>
    public static int Count(int rows, int wanted, int minimumRows) => Math.Max(1, Math.Min(wanted, rows / Math.Max(1, minimumRows)));

    /// <summary>First row of share <paramref name="index"/> of <paramref name="count"/>: consecutive ranges in order, sizes differing by at most one.</summary>
    /// <remarks>
    /// In order, because a chunk may span micro-batches: within a layer the earlier rows' keys and values are written before the later rows read them.
    /// </remarks>
    public static int FirstRow(int rows, int count, int index) => (int)((long)rows * index / count);
}
