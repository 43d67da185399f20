using CsCheck;
using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.Engine;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.KvCache;

public sealed class BlockPoolTests
{
    [Fact]
    public void TryTake_WhenEmpty_ReturnsFalse()
    {
        var pool = new BlockPool(1);
        Assert.True(pool.TryTake(out _));
        Assert.False(pool.TryTake(out _));
    }

    [Fact]
    public void Free_OfAFreeBlock_Throws()
    {
        var pool = new BlockPool(2);
        pool.TryTake(out BlockId block);
        pool.Free(block);
        Assert.Throws<InvalidOperationException>(() => pool.Free(block));
        Assert.Throws<InvalidOperationException>(() => pool.Share(block));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(16, 1)]
    [InlineData(17, 2)]
    public void BlocksFor_RoundsUp(int tokens, int blocks) => Assert.Equal(blocks, BlockPool.BlocksFor(tokens));

    [Fact]
    public void RandomTakeShareFree_KeepsCounts() =>
        Gen.Select(Gen.Int[1, 8], Gen.Select(Gen.Int[0, 2], Gen.Int[0, 100]).List[0, 200]).Sample((capacity, moves) =>
        {
            var pool = new BlockPool(capacity);
            var references = new Dictionary<int, int>();
            foreach ((int verb, int pick) in moves)
            {
                if (verb == 0)
                {
                    bool taken = pool.TryTake(out BlockId block);
                    Assert.Equal(references.Count < capacity, taken);
                    if (taken)
                        references.Add(block.Value, 1);
                }
                else if (references.Count > 0)
                {
                    int held = references.Keys.Order().ElementAt(pick % references.Count);
                    if (verb == 1)
                    {
                        pool.Share(new BlockId(held));
                        references[held]++;
                    }
                    else
                    {
                        Assert.Equal(references[held] - 1, pool.Free(new BlockId(held)));
                        if (--references[held] == 0)
                            references.Remove(held);
                    }
                }

                Assert.Equal(capacity - references.Count, pool.FreeCount);
                Assert.All(references, pair => Assert.Equal(pair.Value, pool.ReferencesOf(new BlockId(pair.Key))));
            }
        });
}
