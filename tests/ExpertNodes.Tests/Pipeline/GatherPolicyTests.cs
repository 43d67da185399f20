using CsCheck;
using MegaInfer.ExpertNodes.Pipeline;
using Xunit;

namespace MegaInfer.ExpertNodes.Tests.Pipeline;

public sealed class GatherPolicyTests
{
    [Theory]
    [InlineData(0.1, 1000, 100)]
    [InlineData(1.0, 750, 750)]
    [InlineData(0.1, 4, 0)]
    [InlineData(2.0, 1e9, GatherPolicy.LongestUs)]
    public void WindowUs_Share_IsThatPartOfTheExpertTime(double share, double meanComputeUs, int expected) =>
        Assert.Equal(expected, new GatherPolicy(share).WindowUs(meanComputeUs));

    [Theory]
    [InlineData(0.1, 0)]
    [InlineData(0, 5000)]
    [InlineData(-1, 5000)]
    [InlineData(double.NaN, 5000)]
    public void WindowUs_NothingMeasuredOrNoShare_DoesNotWait(double share, double meanComputeUs) =>
        Assert.Equal(0, new GatherPolicy(share).WindowUs(meanComputeUs));

    [Fact]
    public void WindowUs_AnyInput_CostsAtMostItsShare() =>
        Gen.Select(Gen.Double[0, 4], Gen.Double[0, 1e7]).Sample((share, mean) =>
        {
            int window = new GatherPolicy(share).WindowUs(mean);
            Assert.InRange(window, 0, Math.Min(GatherPolicy.LongestUs, share * mean));
        });

    [Fact]
    public void Default_IsATenth() => Assert.Equal(0.1, new GatherPolicy().Share);
}
