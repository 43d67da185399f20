using CsCheck;
using MegaInfer.AttentionNodes.Pipeline;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

public sealed class MicroBatchSplitTests
{
    [Theory]
    [InlineData(1, 4, 1, 1)]
    [InlineData(3, 4, 1, 3)]
    [InlineData(64, 4, 1, 4)]
    [InlineData(7, 4, 4, 1)]
    [InlineData(8, 4, 4, 2)]
    public void Count_LeavesNoneTooSmall(int rows, int wanted, int minimum, int count) =>
        Assert.Equal(count, MicroBatchSplit.Count(rows, wanted, minimum));

    [Fact]
    public void FirstRow_CutsInOrderIntoNearlyEqualRanges() =>
        Gen.Select(Gen.Int[1, 1000], Gen.Int[1, 4]).Where((rows, count) => rows >= count).Sample((rows, count) =>
        {
            int[] sizes = [.. Enumerable.Range(0, count).Select(i => MicroBatchSplit.FirstRow(rows, count, i + 1) - MicroBatchSplit.FirstRow(rows, count, i))];
            Assert.Equal(0, MicroBatchSplit.FirstRow(rows, count, 0));
            Assert.Equal(rows, sizes.Sum());
            Assert.InRange(sizes.Max() - sizes.Min(), 0, 1);
            Assert.True(sizes.Min() > 0);
        });
}
