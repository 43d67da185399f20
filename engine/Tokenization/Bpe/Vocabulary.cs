using System.Runtime.CompilerServices;

namespace MegaInfer.Engine.Tokenization.Bpe;

/// <summary>
/// Token ids and the bytes they stand for. One block of memory and one hash table: 200,000 tokens load without 200,000
/// strings. Filled by one thread with <see cref="Add"/> and <see cref="Seal"/>; then any thread may read.
/// </summary>
internal sealed class Vocabulary
{
    // Far above any published vocabulary; keeps a damaged file from asking for gigabytes.
    private const int MaxId = (1 << 22) - 1;

    // Ids may have gaps, but not so that the tables are mostly gaps.
    private const int SmallestLimit = (1 << 16) - 1;

    private readonly int _maxId;
    private byte[] _bytes = new byte[1 << 12];
    private int _used;
    private int[] _starts = new int[256];
    private int[] _lengths = new int[256];
    private bool[] _findable = new bool[256];
    private int[] _slots = [];

    /// <param name="fileBytes">Size of the file that the tokens come from, which bounds their ids: a token takes some bytes of it.</param>
    public Vocabulary(int fileBytes) => _maxId = Math.Clamp(fileBytes, SmallestLimit, MaxId);

    /// <summary>One more than the highest id.</summary>
    public int Count { get; private set; }

    /// <param name="id">Token id.</param>
    /// <param name="bytes">What the token stands for.</param>
    /// <param name="isFindable">False for a token that text can never produce through merges.</param>
    /// <exception cref="TokenizerException">The id is negative or unreasonably large.</exception>
    public void Add(int id, ReadOnlySpan<byte> bytes, bool isFindable)
    {
        if (id < 0 || id > _maxId)
            throw new TokenizerException($"token id {id} is outside 0..{_maxId}");
        if (id >= _starts.Length)
        {
            int capacity = Math.Max(id + 1, _starts.Length * 2);
            Array.Resize(ref _starts, capacity);
            Array.Resize(ref _lengths, capacity);
            Array.Resize(ref _findable, capacity);
        }

        if (_used + bytes.Length > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_used + bytes.Length, _bytes.Length * 2));
        bytes.CopyTo(_bytes.AsSpan(_used));
        _starts[id] = _used;
        _lengths[id] = bytes.Length;
        _findable[id] = isFindable;
        _used += bytes.Length;
        Count = Math.Max(Count, id + 1);
    }

    /// <summary>Builds the hash table. Where two ids share their bytes, the higher id wins.</summary>
    public void Seal()
    {
        int capacity = 16;
        while (capacity < Count * 2)
            capacity *= 2;
        _slots = new int[capacity];
        for (int id = 0; id < Count; id++)
        {
            if (!_findable[id])
                continue;
            int slot = SlotOf(Bytes(id));
            _slots[slot] = id + 1;
        }
    }

    /// <summary>The bytes a token stands for; empty for an id that no token has.</summary>
    public ReadOnlySpan<byte> Bytes(int id) => (uint)id < (uint)Count ? _bytes.AsSpan(_starts[id], _lengths[id]) : default;

    /// <summary>As <see cref="Bytes"/>, as memory that stays valid as long as the vocabulary.</summary>
    public ReadOnlyMemory<byte> Memory(int id) => (uint)id < (uint)Count ? _bytes.AsMemory(_starts[id], _lengths[id]) : default;

    /// <summary>The id of the token that stands for these bytes, or -1.</summary>
    public int Find(ReadOnlySpan<byte> bytes) => _slots[SlotOf(bytes)] - 1;

    // The slot that holds these bytes, or the free one where they would go. Optimised at once: loading calls it a million
    // times before the JIT would get around to it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int SlotOf(ReadOnlySpan<byte> bytes)
    {
        int mask = _slots.Length - 1;
        int slot = ByteHash.Compute(bytes) & mask;
        while (_slots[slot] != 0 && !Bytes(_slots[slot] - 1).SequenceEqual(bytes))
            slot = (slot + 1) & mask;
        return slot;
    }
}
