using System.Runtime.InteropServices;
using MegaInfer.Engine;

namespace MegaInfer.AttentionNodes.KvCache;

/// <summary>
/// Remembers which full blocks hold the keys and values of which tokens, so that a sequence with the same beginning reuses them. An entry is one block, named by
/// (weight version, the entry before it, its 16 tokens); these are compared exactly, so equal hashes cannot alias. Bits do not depend on who computed a block.
/// <para>
/// The cache holds one reference to each of its blocks. An entry that nobody else references is idle, and may be evicted, least recently used first. A
/// sequence holds every block before the ones it holds and releases them last to first, so an idle entry's followers became idle before it and are evicted
/// before it: an entry's predecessor is always alive.
/// </para>
/// One owner: the node loop. Nothing is allocated after construction.
/// </summary>
public sealed class PrefixCache
{
    private const int None = -1;

    private readonly BlockPool _pool;

    // Indexed by block number: an entry is its block.
    private readonly bool[] _isCached;
    private readonly int[] _parents;
    private readonly int[] _children;
    private readonly long[] _versions;
    private readonly int[] _tokens; // [blocks, 16]

    // Chains of entries with the same hash.
    private readonly int[] _chainHeads;
    private readonly int[] _chainNext;

    // Doubly linked list of idle entries, least recently used first.
    private readonly int[] _idlePrevious;
    private readonly int[] _idleNext;
    private int _idleHead = None;
    private int _idleTail = None;

    public PrefixCache(BlockPool pool)
    {
        _pool = pool;
        int blocks = pool.Capacity;
        _isCached = new bool[blocks];
        _parents = new int[blocks];
        _children = new int[blocks];
        _versions = new long[blocks];
        _tokens = new int[checked(blocks * BlockPool.BlockTokens)];
        _chainHeads = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)blocks)];
        Array.Fill(_chainHeads, None);
        _chainNext = new int[blocks];
        _idlePrevious = new int[blocks];
        _idleNext = new int[blocks];
    }

    /// <summary>Entries that only the cache references: blocks that <see cref="EvictOldest"/> can give back.</summary>
    public int IdleCount { get; private set; }

    public int EntryCount { get; private set; }

    public bool Contains(BlockId block) => _isCached[block.Value];

    /// <summary>
    /// The block that holds <paramref name="tokens"/> (16 of them) after <paramref name="parent"/> (null: at position 0), with a reference added for
    /// the caller; null when there is none.
    /// </summary>
    public BlockId? Take(WeightVersion version, BlockId? parent, ReadOnlySpan<int> tokens)
    {
        int found = Find(version.Value, parent?.Value ?? None, tokens, Bucket(version.Value, parent?.Value ?? None, tokens));
        if (found == None)
            return null;
        var block = new BlockId(found);
        if (_pool.ReferencesOf(block) == 1)
            RemoveIdle(found);
        _pool.Share(block);
        return block;
    }

    /// <summary>Enters a full block that the caller holds, under a predecessor that is cached and that the caller holds as well.</summary>
    /// <exception cref="InvalidOperationException">The entry exists already or the predecessor does not: a bug.</exception>
    public void Add(WeightVersion version, BlockId? parent, ReadOnlySpan<int> tokens, BlockId block)
    {
        int before = parent?.Value ?? None;
        int bucket = Bucket(version.Value, before, tokens);
        if (_isCached[block.Value] || (before != None && !_isCached[before]) || Find(version.Value, before, tokens, bucket) != None)
            throw new InvalidOperationException($"KV block {block.Value} cannot enter the prefix cache after {before}.");
        int entry = block.Value;
        _pool.Share(block);
        _isCached[entry] = true;
        _parents[entry] = before;
        _children[entry] = 0;
        _versions[entry] = version.Value;
        tokens.CopyTo(TokensOf(entry));
        _chainNext[entry] = _chainHeads[bucket];
        _chainHeads[bucket] = entry;
        if (before != None)
            _children[before]++;
        EntryCount++;
    }

    /// <summary>Tells the cache that a holder dropped its reference and <paramref name="left"/> are left.</summary>
    public void Released(BlockId block, int left)
    {
        if (left == 1 && _isCached[block.Value])
            AppendIdle(block.Value);
    }

    /// <summary>Forgets the least recently used idle entry and frees its block. False when none is idle.</summary>
    public bool EvictOldest()
    {
        int entry = _idleHead;
        if (entry == None)
            return false;
        if (_children[entry] != 0)
            throw new InvalidOperationException($"KV block {entry} would be evicted before the blocks that follow it.");
        RemoveIdle(entry);
        Unchain(entry);
        if (_parents[entry] != None)
            _children[_parents[entry]]--;
        _isCached[entry] = false;
        EntryCount--;
        _pool.Free(new BlockId(entry));
        return true;
    }

    private Span<int> TokensOf(int entry) => _tokens.AsSpan(entry * BlockPool.BlockTokens, BlockPool.BlockTokens);

    private int Find(long version, int parent, ReadOnlySpan<int> tokens, int bucket)
    {
        for (int entry = _chainHeads[bucket]; entry != None; entry = _chainNext[entry])
        {
            if (_parents[entry] == parent && _versions[entry] == version && tokens.SequenceEqual(TokensOf(entry)))
                return entry;
        }

        return None;
    }

    private void Unchain(int entry)
    {
        int bucket = Bucket(_versions[entry], _parents[entry], TokensOf(entry));
        ref int link = ref _chainHeads[bucket];
        while (link != entry)
            link = ref _chainNext[link];
        link = _chainNext[entry];
    }

    private int Bucket(long version, int parent, ReadOnlySpan<int> tokens)
    {
        if (tokens.Length != BlockPool.BlockTokens)
            throw new InvalidOperationException($"A prefix cache entry has {BlockPool.BlockTokens} tokens, not {tokens.Length}.");
        ulong hash = ((ulong)version * 0x9E3779B97F4A7C15UL) ^ (uint)parent;
        foreach (ulong pair in MemoryMarshal.Cast<int, ulong>(tokens))
        {
            hash = (hash ^ pair) * 0xBF58476D1CE4E5B9UL;
            hash ^= hash >> 29;
        }

        return (int)(hash & (ulong)(_chainHeads.Length - 1));
    }

    private void AppendIdle(int entry)
    {
        _idlePrevious[entry] = _idleTail;
        _idleNext[entry] = None;
        if (_idleTail == None)
            _idleHead = entry;
        else
            _idleNext[_idleTail] = entry;
        _idleTail = entry;
        IdleCount++;
    }

    private void RemoveIdle(int entry)
    {
        int previous = _idlePrevious[entry], next = _idleNext[entry];
        if (previous == None)
            _idleHead = next;
        else
            _idleNext[previous] = next;
        if (next == None)
            _idleTail = previous;
        else
            _idlePrevious[next] = previous;
        IdleCount--;
    }
}
