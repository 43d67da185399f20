using System.Numerics;
using System.Runtime.CompilerServices;

namespace MegaInfer.Engine.Tokenization.Bpe;

/// <summary>
/// For a pair of neighbouring token ids: the rank of their merge (lower merges first) and the merged id. Filled by one
/// thread; then any thread may read.
/// </summary>
internal sealed class MergeTable
{
    private const ulong Free = ulong.MaxValue;

    private ulong[] _pairs = NewPairs(1 << 10);
    private (int Rank, int Id)[] _merges = new (int, int)[1 << 10];
    private int _count;

    /// <summary>Adds a merge; a pair that is given twice keeps the later rank, as in the reference implementation.</summary>
    public void Add(int left, int right, int rank, int id)
    {
        if (_count * 2 >= _pairs.Length)
            Grow();
        ulong pair = Pair(left, right);
        int slot = SlotOf(pair);
        if (_pairs[slot] == Free)
            _count++;
        _pairs[slot] = pair;
        _merges[slot] = (rank, id);
    }

    public bool TryGet(int left, int right, out int rank, out int id)
    {
        int slot = SlotOf(Pair(left, right));
        (rank, id) = _merges[slot];
        return _pairs[slot] != Free;
    }

    private static ulong Pair(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    private static ulong[] NewPairs(int capacity)
    {
        ulong[] pairs = new ulong[capacity];
        Array.Fill(pairs, Free);
        return pairs;
    }

    // Optimised at once: loading calls it a million times before the JIT would get around to it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int SlotOf(ulong pair)
    {
        int mask = _pairs.Length - 1;
        // Fibonacci hashing: the high bits of the product are well mixed.
        int slot = (int)(pair * 0x9E3779B97F4A7C15 >> (64 - BitOperations.Log2((uint)_pairs.Length)));
        while (_pairs[slot] != Free && _pairs[slot] != pair)
            slot = (slot + 1) & mask;
        return slot;
    }

    private void Grow()
    {
        (ulong[] pairs, (int, int)[] merges) = (_pairs, _merges);
        _pairs = NewPairs(pairs.Length * 2);
        _merges = new (int, int)[_pairs.Length];
        for (int i = 0; i < pairs.Length; i++)
        {
            if (pairs[i] == Free)
                continue;
            int slot = SlotOf(pairs[i]);
            _pairs[slot] = pairs[i];
            _merges[slot] = merges[i];
        }
    }
}
