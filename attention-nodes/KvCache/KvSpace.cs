using MegaInfer.Engine;

namespace MegaInfer.AttentionNodes.KvCache;

/// <summary>
/// The KV blocks as sequences see them: block tables that grow, reuse a cached beginning, publish full blocks and are released. Joins <see cref="BlockPool"/> and
/// <see cref="PrefixCache"/>, which evicts when the pool is empty. One owner: the node loop.
/// </summary>
public sealed class KvSpace
{
    private readonly BlockPool _pool;
    private readonly PrefixCache? _cache;

    /// <param name="capacity">Blocks of 16 tokens.</param>
    public KvSpace(int capacity, bool hasPrefixCache)
    {
        _pool = new BlockPool(capacity);
        _cache = hasPrefixCache ? new PrefixCache(_pool) : null;
    }

    public int Capacity => _pool.Capacity;

    /// <summary>Whether full blocks outlive their sequence.</summary>
    public bool HasPrefixCache => _cache is not null;

    /// <summary>Blocks that <see cref="TryGrow"/> can still give: free ones and idle cached ones.</summary>
    public int AvailableCount => _pool.FreeCount + (_cache?.IdleCount ?? 0);

    /// <summary>Blocks that sequences hold.</summary>
    public int UsedCount => Capacity - AvailableCount;

    /// <summary>Tokens whose keys and values were found in the prefix cache, since start.</summary>
    public long ReusedTokens { get; private set; }

    /// <summary>Fills an empty table with cached blocks of the beginning of <paramref name="tokens"/>, at most <paramref name="maxTokens"/> of them.</summary>
    /// <returns>Tokens reused, a multiple of 16.</returns>
    public int Reuse(WeightVersion version, ReadOnlySpan<int> tokens, int maxTokens, List<BlockId> table)
    {
        if (_cache is null)
            return 0;
        int blocks = Math.Min(maxTokens, tokens.Length) / BlockPool.BlockTokens;
        BlockId? parent = null;
        for (int i = 0; i < blocks; i++)
        {
            parent = _cache.Take(version, parent, tokens.Slice(i * BlockPool.BlockTokens, BlockPool.BlockTokens));
            if (parent is not { } block)
                break;
            table.Add(block);
        }

        return table.Count * BlockPool.BlockTokens;
    }

    /// <summary>Counts <paramref name="tokens"/> as reused, once their sequence is really admitted.</summary>
    public void CountReused(int tokens) => ReusedTokens += tokens;

    /// <summary>Extends a table until it covers <paramref name="tokens"/> positions. False, with the table unchanged, when too few blocks are available.</summary>
    public bool TryGrow(List<BlockId> table, int tokens)
    {
        int missing = BlockPool.BlocksFor(tokens) - table.Count;
        if (missing > AvailableCount)
            return false;
        for (; missing > 0; missing--)
        {
            if (_pool.FreeCount == 0)
                _cache!.EvictOldest();
            _pool.TryTake(out BlockId block);
            table.Add(block);
        }

        return true;
    }

    /// <summary>
    /// Enters the table's full blocks between <paramref name="fromTokens"/> and <paramref name="toTokens"/> computed positions into the prefix cache. Where another
    /// sequence entered the same tokens first, the table takes that block and gives its own back: the bits are the same.
    /// </summary>
    public void Publish(WeightVersion version, ReadOnlySpan<int> tokens, int fromTokens, int toTokens, List<BlockId> table)
    {
        if (_cache is null)
            return;
        for (int i = fromTokens / BlockPool.BlockTokens; i < toTokens / BlockPool.BlockTokens; i++)
        {
            if (_cache.Contains(table[i]))
                continue;
            BlockId? parent = i == 0 ? null : table[i - 1];
            ReadOnlySpan<int> content = tokens.Slice(i * BlockPool.BlockTokens, BlockPool.BlockTokens);
            if (_cache.Take(version, parent, content) is { } existing)
            {
                _pool.Free(table[i]);
                table[i] = existing;
            }
            else
            {
                _cache.Add(version, parent, content, table[i]);
            }
        }
    }

    /// <summary>Gives all blocks of a table back, last to first, and empties it.</summary>
    public void Release(List<BlockId> table)
    {
        for (int i = table.Count - 1; i >= 0; i--)
        {
            int left = _pool.Free(table[i]);
            _cache?.Released(table[i], left);
        }

        table.Clear();
    }

    internal int ReferencesOf(BlockId block) => _pool.ReferencesOf(block);

    internal bool IsCached(BlockId block) => _cache?.Contains(block) ?? false;
}
