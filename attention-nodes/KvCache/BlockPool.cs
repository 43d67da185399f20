using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;

namespace MegaInfer.AttentionNodes.KvCache;

/// <summary>
/// Counts who uses each KV block of this node: take, share, free. Fixed size, never grows; one owner, the node loop. It knows block numbers only: the memory
/// belongs to <c>KvMemory</c>, and what the blocks hold to <see cref="PrefixCache"/>.
/// </summary>
public sealed class BlockPool
{
    /// <summary>Positions that a block holds.</summary>
    public const int BlockTokens = PipelineShape.KvBlockTokens;

    private readonly int[] _references;
    private readonly int[] _free;

    /// <param name="capacity">Number of blocks, at least 1.</param>
    public BlockPool(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _references = new int[capacity];
        _free = new int[capacity];
        // The stack gives low numbers first, so a small load touches little memory.
        for (int i = 0; i < capacity; i++)
            _free[i] = capacity - 1 - i;
        FreeCount = capacity;
    }

    public int Capacity => _references.Length;

    public int FreeCount { get; private set; }

    /// <summary>How many blocks hold <paramref name="tokens"/> positions.</summary>
    public static int BlocksFor(int tokens) => PipelineShape.BlocksFor(tokens);

    /// <summary>Takes a free block with one reference. False when none is free.</summary>
    public bool TryTake(out BlockId block)
    {
        if (FreeCount == 0)
        {
            block = default;
            return false;
        }

        int value = _free[--FreeCount];
        _references[value] = 1;
        block = new BlockId(value);
        return true;
    }

    /// <summary>Adds a reference to a block that somebody holds.</summary>
    /// <exception cref="InvalidOperationException">Nobody holds it: a bug.</exception>
    public void Share(BlockId block)
    {
        if (_references[block.Value] == 0)
            throw new InvalidOperationException($"KV block {block.Value} was shared while free.");
        _references[block.Value]++;
    }

    /// <summary>Drops a reference; the last one makes the block free. Returns the references that are left.</summary>
    /// <exception cref="InvalidOperationException">Nobody holds it: a bug.</exception>
    public int Free(BlockId block)
    {
        if (_references[block.Value] == 0)
            throw new InvalidOperationException($"KV block {block.Value} was freed twice.");
        int left = --_references[block.Value];
        if (left == 0)
            _free[FreeCount++] = block.Value;
        return left;
    }

    public int ReferencesOf(BlockId block) => _references[block.Value];
}
