using MegaInfer.Engine;
using MegaInfer.M2N.Native;

namespace MegaInfer.M2N;

/// <summary>
/// Received rows of one layer and one weight version, at most one piece of each sender. Valid until <see cref="M2NEndpoint.Return"/>; there is one
/// batch at a time. The default value is an empty batch.
/// </summary>
public readonly unsafe struct ExpertBatch
{
    internal readonly m2n_batch Batch;

    internal ExpertBatch(in m2n_batch batch) => Batch = batch;

    /// <summary>Pieces in this batch.</summary>
    public int Count => (int)Batch.count;

    /// <summary>The layer.</summary>
    public int Tag => (int)Batch.tag;

    public WeightVersion Version => new((long)Batch.version);

    /// <summary>How long the first piece waited for the others, nanoseconds.</summary>
    public long GatherNs => (long)Batch.gather_ns;

    public PieceView this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, Batch.count, nameof(index));
            return new PieceView(Batch.pieces + index);
        }
    }
}
