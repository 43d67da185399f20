namespace MegaInfer.ExpertNodes.Pipeline;

/// <summary>Sizes on which an expert node and its senders agree.</summary>
/// <param name="MaxPeers">Senders connected at one time; a batch has at most one piece of each.</param>
/// <param name="RowBytes">One dispatched row.</param>
/// <param name="ResultBytes">One returned row.</param>
/// <param name="MaxPairs">Pairs of one piece.</param>
public sealed record ExpertPipelineSizes(int MaxPeers, int RowBytes, int ResultBytes, int MaxPairs)
{
    // A batch may hold this many full pieces; more senders than that take turns.
    private const int FullPieces = 8;

    /// <summary>Pairs of one batch: every sender may bring a full piece, up to a limit that keeps the node's tables small.</summary>
    public int MaxBatchPairs => checked(MaxPairs * Math.Min(MaxPeers, FullPieces));
}
