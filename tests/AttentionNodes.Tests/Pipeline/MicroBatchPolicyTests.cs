using MegaInfer.AttentionNodes.Pipeline;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

public sealed class MicroBatchPolicyTests
{
    /// <summary>Runs steps of one size whose time depends on the number of micro-batches; the numbers chosen.</summary>
    private static int[] Run(MicroBatchPolicy policy, int rows, int steps, params double[] milliseconds) =>
        [.. Enumerable.Range(0, steps).Select(_ =>
        {
            int count = policy.Choose(rows);
            policy.Record(rows, count, TimeSpan.FromMilliseconds(milliseconds[count - 1]));
            return count;
        })];

    [Theory]
    [InlineData(3, 64, 3)]
    [InlineData(3, 2, 2)]
    [InlineData(1, 64, 1)]
    public void Choose_FixedCount_IsKeptWhereRowsSuffice(int fixedCount, int rows, int chosen) =>
        Assert.Equal(chosen, new MicroBatchPolicy(fixedCount, 16).Choose(rows));

    [Theory]
    [InlineData(2, 10, 6, 7, 9)]
    [InlineData(1, 5, 6, 7, 9)]
    [InlineData(4, 10, 9, 8, 5)]
    public void Choose_AfterMeasuring_TakesTheFastest(int best, double one, double two, double three, double four)
    {
        var policy = new MicroBatchPolicy(0, 4);
        int[] chosen = Run(policy, rows: 32, steps: 1000, one, two, three, four);
        Assert.Equal([1, 2, 3, 4], chosen.Distinct().Order());
        Assert.InRange(chosen.Count(value => value == best) / 1000.0, 0.95, 1);
    }

    [Fact]
    public void Choose_WhereOneIsBest_FewStepsAreSpentOnOthers()
    {
        int[] chosen = Run(new MicroBatchPolicy(0, 4), rows: 32, steps: 128, 5, 8, 10, 12);
        Assert.InRange(chosen.Count(value => value != 1), 1, 6);
    }

    [Fact]
    public void Choose_ANewSize_BeginsWithTheNearestSizesChoice()
    {
        var policy = new MicroBatchPolicy(0, 4);
        Run(policy, 32, 100, 9, 7, 5, 8);
        Assert.Equal([3], Run(policy, 100, 10, 9, 7, 5, 8).Distinct());
    }

    [Fact]
    public void Choose_ANewSizeThatAllowsFewer_StillFindsItsOwn()
    {
        var policy = new MicroBatchPolicy(0, 4);
        Run(policy, 256, 200, 9, 8, 7, 5);
        int[] chosen = Run(policy, 9, 400, 5, 9, 9, 9);
        Assert.DoesNotContain(chosen, count => count > 2);
        Assert.InRange(chosen[^200..].Count(value => value == 1) / 200.0, 0.95, 1);
    }

    [Fact]
    public void Choose_WhenThingsChange_FollowsThem()
    {
        var policy = new MicroBatchPolicy(0, 4);
        Run(policy, 32, 500, 5, 8, 8, 8);
        int[] later = Run(policy, 32, 3000, 9, 8, 8, 4);
        Assert.InRange(later[^1000..].Count(value => value == 4) / 1000.0, 0.95, 1);
    }

    [Fact]
    public void Choose_SmallSteps_NeverHaveFewerRowsThanTheMinimum()
    {
        var policy = new MicroBatchPolicy(0, 4);
        Assert.Equal([1], Run(policy, 7, 200, 9, 1, 1, 1).Distinct());
        Assert.DoesNotContain(Run(policy, 9, 200, 9, 1, 1, 1), count => count > 2);
    }

    [Fact]
    public void Choose_StepsOfAnotherSize_AreMeasuredApart()
    {
        var policy = new MicroBatchPolicy(0, 4);
        Run(policy, 32, 200, 9, 5, 8, 8);
        Run(policy, 256, 200, 4, 9, 9, 9);
        Assert.Equal(2, policy.Choose(32));
        Assert.Equal(1, policy.Choose(256));
    }
}
