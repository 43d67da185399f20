using MegaInfer.M2N;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// The rows of a step that travel together: a consecutive range of the rows in <see cref="StepMemory"/>, and what is under way for them. One object per slot,
/// reused by every step; belongs to the node loop.
/// </summary>
public sealed class MicroBatch
{
    internal MicroBatch(int slot, int maxPeers)
    {
        Slot = slot;
        Results = new ResultView[maxPeers];
    }

    /// <summary>The M2N slot it occupies, the same in every layer.</summary>
    public int Slot { get; }

    /// <summary>Its first row within the step.</summary>
    public int FirstRow { get; private set; }

    public int RowCount { get; private set; }

    /// <summary>What the last dispatch returned; consumed by combine.</summary>
    public DispatchTicket Ticket { get; set; }

    /// <summary>Why a dispatch could not send everything; <see cref="M2NStatus.Ok"/> otherwise.</summary>
    public M2NStatus DispatchStatus { get; set; }

    /// <summary>Stopwatch timestamp of the last dispatch.</summary>
    public long DispatchedAt { get; set; }

    /// <summary>[peers] Room for the results of a ticket.</summary>
    internal ResultView[] Results { get; }

    internal void Assign(int firstRow, int rowCount)
    {
        FirstRow = firstRow;
        RowCount = rowCount;
        Ticket = default;
        DispatchStatus = M2NStatus.Ok;
    }
}
