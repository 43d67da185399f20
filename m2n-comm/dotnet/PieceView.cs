using MegaInfer.Engine;
using MegaInfer.Engine.Memory;
using MegaInfer.M2N.Native;

namespace MegaInfer.M2N;

/// <summary>
/// One sender's rows within an <see cref="ExpertBatch"/>. The index arrays are private copies that passed every check; rows and results are places
/// in the shared slot. Valid until the batch, or this piece of it, is returned.
/// </summary>
public readonly unsafe struct PieceView
{
    private readonly m2n_piece* _piece;

    internal PieceView(m2n_piece* piece) => _piece = piece;

    /// <summary>[rows][row bytes]. The sender could still write here: read each value once.</summary>
    public DeviceAddress Rows => new((nint)_piece->rows);

    /// <summary>[pairs][result bytes], to be written before the return.</summary>
    public DeviceAddress Results => new((nint)_piece->results);

    /// <summary>[pairs]: which row each pair uses, each below <see cref="RowCount"/>.</summary>
    public ReadOnlySpan<uint> RowOfPair => new(_piece->row_of_pair, PairCount);

    /// <summary>[groups]: the runs of pairs, keys strictly ascending, summing to <see cref="PairCount"/>.</summary>
    public ReadOnlySpan<Group> Groups => new(_piece->groups, (int)_piece->groups_count);

    /// <summary>Where <see cref="RowOfPair"/> lies, for kernels.</summary>
    public DeviceAddress RowOfPairAddress => new((nint)_piece->row_of_pair);

    public int RowCount => (int)_piece->rows_count;

    public int PairCount => (int)_piece->pairs;

    /// <summary>The sender.</summary>
    public Rank Peer => new((int)_piece->peer);

    public int Slot => (int)_piece->slot;

    /// <summary>The sender's view of membership when it dispatched.</summary>
    public ulong Epoch => _piece->epoch;
}
