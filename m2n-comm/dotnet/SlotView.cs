using MegaInfer.Engine.Memory;
using MegaInfer.M2N.Native;

namespace MegaInfer.M2N;

/// <summary>
/// Where a sender writes one piece: places inside the peer's slot, so that kernels produce rows there and nothing is copied afterwards. Valid from
/// <see cref="M2NEndpoint.OpenSlot"/> until the dispatch of the slot.
/// </summary>
public readonly unsafe struct SlotView
{
    private readonly m2n_slot_view _view;
    private readonly int _pairs;
    private readonly int _groups;

    internal SlotView(in m2n_slot_view view, int pairs, int groups)
    {
        _view = view;
        _pairs = pairs;
        _groups = groups;
    }

    /// <summary>The rows to write, [rows][row bytes].</summary>
    public DeviceAddress Rows => new((nint)_view.rows);

    /// <summary>[pairs]: which row each pair uses, pairs in group order. The peer may write here too: write only.</summary>
    public Span<uint> RowOfPair => new(_view.row_of_pair, _pairs);

    /// <summary>[groups]: the runs of pairs, keys strictly ascending. Write only, as <see cref="RowOfPair"/>.</summary>
    public Span<Group> Groups => new(_view.groups, _groups);
}
