using MegaInfer.Engine.Memory;
using MegaInfer.ExpertNodes.Placement;
using MegaInfer.Kernels;
using MegaInfer.M2N;

namespace MegaInfer.ExpertNodes.Layers;

/// <summary>
/// The pairs of a batch sorted by local expert, as the grouped FFN reads them: pieces of several senders become one list per expert, so each expert's
/// weights are read once for all of them. Rows stay where they arrived and results go where they are returned from: only addresses are sorted.
/// One owner: the node loop. Nothing is allocated after construction.
/// </summary>
/// <remarks>
/// Use: <see cref="Clear"/>, <see cref="TryCount"/> for every piece, <see cref="Place"/>, <see cref="Add"/> for every piece that was counted, in the
/// same order.
/// </remarks>
public sealed class PairTable : IDisposable
{
    private readonly LocalExperts _experts;
    private readonly int _rowBytes;
    private readonly int _resultBytes;
    private readonly DeviceBuffer _offsets;
    private readonly DeviceBuffer _rowOfPair;
    private readonly DeviceBuffer _outOfPair;
    private readonly int[] _next;

    /// <param name="context">Owns the memory that the kernel reads.</param>
    /// <param name="experts">What this node holds.</param>
    /// <param name="capacity">Pairs of a batch at most.</param>
    /// <param name="rowBytes">From one row of a piece to the next.</param>
    /// <param name="resultBytes">From one pair's result to the next.</param>
    public PairTable(KernelContext context, LocalExperts experts, int capacity, int rowBytes, int resultBytes)
    {
        _experts = experts;
        _rowBytes = rowBytes;
        _resultBytes = resultBytes;
        Capacity = capacity;
        _offsets = context.AllocateShared((long)(experts.Count + 1) * sizeof(int));
        _rowOfPair = context.AllocateShared((long)capacity * nint.Size);
        _outOfPair = context.AllocateShared((long)capacity * nint.Size);
        _next = new int[experts.Count];
    }

    public int Capacity { get; }

    /// <summary>Pairs placed.</summary>
    public int Pairs { get; private set; }

    /// <summary>Local experts with at least one pair.</summary>
    public int ActiveExperts { get; private set; }

    /// <summary>[local experts + 1] int: where each expert's pairs begin.</summary>
    public DeviceAddress Offsets => _offsets.Address;

    /// <summary>[pairs] addresses of input rows.</summary>
    public DeviceAddress RowOfPair => _rowOfPair.Address;

    /// <summary>[pairs] addresses of result rows.</summary>
    public DeviceAddress OutOfPair => _outOfPair.Address;

    /// <summary>Starts a new batch.</summary>
    public void Clear()
    {
        Array.Clear(_next);
        Pairs = 0;
        ActiveExperts = 0;
    }

    /// <summary>Counts a piece's pairs; false, and nothing is counted, if it names an expert that this node does not hold.</summary>
    public bool TryCount(ReadOnlySpan<Group> groups)
    {
        foreach (Group group in groups)
        {
            if (!_experts.TryFind(group.Key, out _))
                return false;
        }

        foreach (Group group in groups)
        {
            _experts.TryFind(group.Key, out int local);
            _next[local] += (int)group.Pairs;
            Pairs += (int)group.Pairs;
        }

        return true;
    }

    /// <summary>Gives every expert its range: counts become offsets.</summary>
    public void Place()
    {
        Span<int> offsets = _offsets.HostSpan<int>();
        int offset = 0;
        for (int local = 0; local < _next.Length; local++)
        {
            offsets[local] = offset;
            int count = _next[local];
            if (count > 0)
                ActiveExperts++;
            _next[local] = offset;
            offset += count;
        }

        offsets[_next.Length] = offset;
    }

    /// <summary>Enters a counted piece's pairs into their experts' ranges.</summary>
    /// <param name="rows">[rows][row bytes]</param>
    /// <param name="results">[pairs][result bytes]</param>
    /// <param name="rowOfPair">[pairs], in group order.</param>
    /// <param name="groups">As given to <see cref="TryCount"/>.</param>
    public void Add(DeviceAddress rows, DeviceAddress results, ReadOnlySpan<uint> rowOfPair, ReadOnlySpan<Group> groups)
    {
        Span<nint> inputs = _rowOfPair.HostSpan<nint>();
        Span<nint> outputs = _outOfPair.HostSpan<nint>();
        int pair = 0;
        foreach (Group group in groups)
        {
            _experts.TryFind(group.Key, out int local);
            int place = _next[local];
            for (int end = pair + (int)group.Pairs; pair < end; pair++, place++)
            {
                inputs[place] = rows.Value + (nint)((long)rowOfPair[pair] * _rowBytes);
                outputs[place] = results.Value + (nint)((long)pair * _resultBytes);
            }

            _next[local] = place;
        }
    }

    public void Dispose()
    {
        _offsets.Dispose();
        _rowOfPair.Dispose();
        _outOfPair.Dispose();
    }
}
