using CsCheck;
using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.Engine;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.KvCache;

/// <summary>The pool and the prefix cache together, against a model that remembers what was written into each block.</summary>
public sealed class KvSpaceTests
{
    private const int Block = BlockPool.BlockTokens;
    private static readonly WeightVersion Version = new(0);

    private static int[] Tokens(int count, int seed = 0) => [.. Enumerable.Range(0, count).Select(i => (i * 7) + seed)];

    [Fact]
    public void Reuse_AfterReleaseOfTheSameTokens_FindsTheFullBlocks()
    {
        var space = new KvSpace(8, hasPrefixCache: true);
        int[] tokens = Tokens(40);
        List<BlockId> first = [];
        Assert.True(space.TryGrow(first, 40));
        space.Publish(Version, tokens, 0, 40, first);
        List<BlockId> held = [.. first];
        space.Release(first);

        List<BlockId> second = [];
        Assert.Equal(32, space.Reuse(Version, tokens, 39, second));
        Assert.Equal(held[..2], second);
    }

    [Fact]
    public void Reuse_OfAnotherVersion_FindsNothing()
    {
        var space = new KvSpace(8, hasPrefixCache: true);
        int[] tokens = Tokens(32);
        List<BlockId> table = [];
        space.TryGrow(table, 32);
        space.Publish(Version, tokens, 0, 32, table);
        Assert.Equal(0, space.Reuse(new WeightVersion(1), tokens, 31, []));
    }

    [Fact]
    public void Reuse_OfTheSameBlockAfterAnotherBeginning_FindsNothing()
    {
        var space = new KvSpace(8, hasPrefixCache: true);
        int[] tokens = [.. Tokens(16), .. Tokens(16)];
        List<BlockId> table = [];
        space.TryGrow(table, 32);
        space.Publish(Version, tokens, 0, 32, table);
        List<BlockId> other = [];
        Assert.Equal(0, space.Reuse(Version, [.. Tokens(16, seed: 1), .. Tokens(16)], 32, other));
    }

    [Fact]
    public void Reuse_StopsBelowMaxTokens()
    {
        var space = new KvSpace(8, hasPrefixCache: true);
        int[] tokens = Tokens(32);
        List<BlockId> table = [];
        space.TryGrow(table, 32);
        space.Publish(Version, tokens, 0, 32, table);
        Assert.Equal(16, space.Reuse(Version, tokens, 31, []));
    }

    [Fact]
    public void Publish_WhenAnotherCameFirst_SharesItsBlock()
    {
        var space = new KvSpace(4, hasPrefixCache: true);
        int[] tokens = Tokens(16);
        List<BlockId> first = [], second = [];
        space.TryGrow(first, 16);
        space.TryGrow(second, 16);
        space.Publish(Version, tokens, 0, 16, first);
        space.Publish(Version, tokens, 0, 16, second);
        Assert.Equal(first, second);
        Assert.Equal(3, space.AvailableCount);
    }

    [Fact]
    public void TryGrow_WhenThePoolIsEmpty_EvictsTheOldestIdleBlock()
    {
        var space = new KvSpace(2, hasPrefixCache: true);
        List<BlockId> old = [], young = [], third = [];
        space.TryGrow(old, 16);
        space.Publish(Version, Tokens(16, 1), 0, 16, old);
        space.TryGrow(young, 16);
        space.Publish(Version, Tokens(16, 2), 0, 16, young);
        space.Release(old);
        space.Release(young);

        Assert.True(space.TryGrow(third, 16));
        Assert.Equal(0, space.Reuse(Version, Tokens(16, 1), 16, []));
        Assert.Equal(16, space.Reuse(Version, Tokens(16, 2), 16, []));
    }

    [Fact]
    public void TryGrow_WhenTooFewAreLeft_ChangesNothing()
    {
        var space = new KvSpace(2, hasPrefixCache: true);
        List<BlockId> table = [];
        Assert.False(space.TryGrow(table, 33));
        Assert.Empty(table);
        Assert.Equal(2, space.AvailableCount);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void RandomSequences_LeakNothingAndReuseOnlyEqualTokens(bool hasPrefixCache)
    {
        // Few tokens, versions and blocks, so that beginnings repeat, entries are evicted and bucket chains are long.
        Gen<(int Verb, int Pick, int Length, int Seed)> move = Gen.Select(Gen.Int[0, 2], Gen.Int[0, 100], Gen.Int[1, 80], Gen.Int[0, 3]);
        Gen.Select(Gen.Int[1, 12], move.List[0, 120]).Sample((capacity, moves) => new Model(capacity, hasPrefixCache).Run(moves));
    }

    /// <summary>Sequences with block tables, and the tokens that were last computed into each block.</summary>
    private sealed class Model(int capacity, bool hasPrefixCache)
    {
        private readonly KvSpace _space = new(capacity, hasPrefixCache);
        private readonly List<(int[] Tokens, WeightVersion Version, List<BlockId> Table)> _live = [];
        private readonly Dictionary<int, (int[] Prefix, WeightVersion Version)> _content = [];

        public void Run(List<(int Verb, int Pick, int Length, int Seed)> moves)
        {
            foreach ((int verb, int pick, int length, int seed) in moves)
            {
                if (verb < 2)
                    Start(length, seed, new WeightVersion(pick % 2));
                else if (_live.Count > 0)
                    End(pick % _live.Count);
                CheckInvariants();
            }

            while (_live.Count > 0)
                End(0);
            CheckInvariants();
            Assert.Equal(capacity, _space.AvailableCount);
        }

        private void Start(int length, int seed, WeightVersion version)
        {
            int[] tokens = [.. Enumerable.Range(0, length).Select(i => i / (16 * (seed + 1)))];
            List<BlockId> table = [];
            int reused = _space.Reuse(version, tokens, length - 1, table);
            for (int i = 0; i < reused / Block; i++)
            {
                Assert.Equal(tokens[..((i + 1) * Block)], _content[table[i].Value].Prefix);
                Assert.Equal(version, _content[table[i].Value].Version);
            }

            if (!_space.TryGrow(table, length))
            {
                _space.Release(table);
                return;
            }

            for (int i = reused / Block; i < table.Count; i++)
                _content[table[i].Value] = (tokens[..Math.Min(length, (i + 1) * Block)], version);
            _space.Publish(version, tokens, reused, length, table);
            for (int i = 0; i < length / Block; i++)
                Assert.Equal(tokens[..((i + 1) * Block)], _content[table[i].Value].Prefix);
            _live.Add((tokens, version, table));
        }

        private void End(int index)
        {
            _space.Release(_live[index].Table);
            Assert.Empty(_live[index].Table);
            _live.RemoveAt(index);
        }

        private void CheckInvariants()
        {
            int[] holders = new int[capacity];
            foreach (BlockId block in _live.SelectMany(sequence => sequence.Table))
                holders[block.Value]++;
            for (int i = 0; i < capacity; i++)
                Assert.Equal(holders[i] + (_space.IsCached(new BlockId(i)) ? 1 : 0), _space.ReferencesOf(new BlockId(i)));
            Assert.Equal(holders.Count(count => count == 0), _space.AvailableCount);
            Assert.Equal(holders.Count(count => count > 0), _space.UsedCount);
        }
    }
}
