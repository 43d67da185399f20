namespace MegaInfer.ExpertNodes.Pipeline;

/// <summary>
/// What an expert node has done since it started. Written by the node loop only; any thread may read, each number by itself.
/// </summary>
public sealed class ExpertNodeMetrics
{
    private long _batches;
    private long _gatheredBatches;
    private long _pieces;
    private long _rows;
    private long _pairs;
    private long _expertGemms;
    private long _computeNs;
    private long _gatherNs;
    private long _idleNs;
    private long _dispatchedBytes;
    private long _returnedBytes;
    private long _misplacedPieces;
    private long _versionMissingPieces;

    /// <summary>Batches computed: one layer of one or more senders.</summary>
    public long Batches => Volatile.Read(ref _batches);

    /// <summary>Batches with rows of several senders.</summary>
    public long GatheredBatches => Volatile.Read(ref _gatheredBatches);

    public long Pieces => Volatile.Read(ref _pieces);

    public long Rows => Volatile.Read(ref _rows);

    /// <summary>(row, expert) pairs computed.</summary>
    public long Pairs => Volatile.Read(ref _pairs);

    /// <summary>Experts that had at least one pair, summed over batches: each reads its weights once.</summary>
    public long ExpertGemms => Volatile.Read(ref _expertGemms);

    /// <summary>Te summed over batches, nanoseconds: from a received batch to its last result row, merging included.</summary>
    public long ComputeNs => Volatile.Read(ref _computeNs);

    /// <summary>First pieces' waits for other senders, nanoseconds.</summary>
    public long GatherNs => Volatile.Read(ref _gatherNs);

    /// <summary>Waits with nothing to do, nanoseconds; gathering is not idling.</summary>
    public long IdleNs => Volatile.Read(ref _idleNs);

    public long DispatchedBytes => Volatile.Read(ref _dispatchedBytes);

    public long ReturnedBytes => Volatile.Read(ref _returnedBytes);

    public long MisplacedPieces => Volatile.Read(ref _misplacedPieces);

    public long VersionMissingPieces => Volatile.Read(ref _versionMissingPieces);

    /// <summary>How many rows share one reading of an expert's weights.</summary>
    public double RowsPerExpertGemm => ExpertGemms == 0 ? 0 : (double)Pairs / ExpertGemms;

    /// <summary>Adds every counter and gauge under its metric name.</summary>
    public void CopyTo(IDictionary<string, double> metrics)
    {
        metrics["megainfer_expert_batches_total"] = Batches;
        metrics["megainfer_expert_gathered_batches_total"] = GatheredBatches;
        metrics["megainfer_expert_pieces_total"] = Pieces;
        metrics["megainfer_expert_rows_total"] = Rows;
        metrics["megainfer_expert_pairs_total"] = Pairs;
        metrics["megainfer_expert_gemms_total"] = ExpertGemms;
        metrics["megainfer_expert_compute_seconds_total"] = ComputeNs / 1e9;
        metrics["megainfer_expert_gather_seconds_total"] = GatherNs / 1e9;
        metrics["megainfer_expert_idle_seconds_total"] = IdleNs / 1e9;
        metrics["megainfer_expert_dispatched_bytes_total"] = DispatchedBytes;
        metrics["megainfer_expert_returned_bytes_total"] = ReturnedBytes;
        metrics["megainfer_expert_misplaced_pieces_total"] = MisplacedPieces;
        metrics["megainfer_expert_version_missing_pieces_total"] = VersionMissingPieces;
        metrics["megainfer_expert_rows_per_gemm"] = RowsPerExpertGemm;
    }

    internal void AddBatch(in BatchRecord batch)
    {
        Add(ref _batches, 1);
        Add(ref _gatheredBatches, batch.Pieces > 1 ? 1 : 0);
        Add(ref _pieces, batch.Pieces);
        Add(ref _rows, batch.Rows);
        Add(ref _pairs, batch.Pairs);
        Add(ref _expertGemms, batch.ExpertGemms);
        Add(ref _computeNs, batch.ComputeNs);
        Add(ref _gatherNs, batch.GatherNs);
        Add(ref _dispatchedBytes, batch.DispatchedBytes);
        Add(ref _returnedBytes, batch.ReturnedBytes);
    }

    internal void AddIdle(long ns) => Add(ref _idleNs, ns);

    internal void AddMisplaced(int pieces) => Add(ref _misplacedPieces, pieces);

    internal void AddVersionMissing(int pieces) => Add(ref _versionMissingPieces, pieces);

    // One writer: no interlocked addition is needed, only whole values for the readers.
    private static void Add(ref long counter, long value) => Volatile.Write(ref counter, counter + value);
}
