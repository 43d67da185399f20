using System.Runtime.InteropServices;

namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>
/// One pass through all layers: which rows of which sequences. Decode rows come first, then prefill chunks. The scheduler reuses one
/// object, so a step is valid until the next <see cref="Scheduler.NextStep"/>.
/// </summary>
public sealed class Step
{
    private readonly List<StepSlice> _slices = [];

    public ReadOnlySpan<StepSlice> Slices => CollectionsMarshal.AsSpan(_slices);

    public int RowCount { get; private set; }

    /// <summary>Rows whose logits are needed.</summary>
    public int LogitRowCount { get; private set; }

    public bool IsEmpty => _slices.Count == 0;

    /// <summary>Rows that extend a sequence by the token sampled last.</summary>
    public int DecodeRowCount { get; private set; }

    internal void Clear()
    {
        _slices.Clear();
        RowCount = 0;
        LogitRowCount = 0;
        DecodeRowCount = 0;
    }

    internal void Add(Sequence sequence, int rowCount)
    {
        var slice = StepSlice.Next(sequence, RowCount, rowCount);
        _slices.Add(slice);
        RowCount += rowCount;
        LogitRowCount += slice.LogitRowCount;
        if (rowCount == 1 && sequence.OutstandingRows == 1)
            DecodeRowCount++;
    }
}
