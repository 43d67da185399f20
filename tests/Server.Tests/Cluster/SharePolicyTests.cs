using CsCheck;
using MegaInfer.Server.Cluster;
using Xunit;

namespace MegaInfer.Server.Tests.Cluster;

public sealed class SharePolicyTests
{
    [Theory]
    [InlineData(2, new int[0], -1, 0)]
    [InlineData(2, new[] { 0 }, -1, 1)]
    [InlineData(2, new[] { 1 }, -1, 0)]
    [InlineData(2, new[] { 0, 1 }, -1, 0)]
    [InlineData(2, new[] { 0, 1, 0 }, -1, 1)]
    [InlineData(3, new int[0], 2, 2)]
    [InlineData(3, new[] { 2 }, 2, 0)]
    [InlineData(2, new[] { 0, 1 }, 5, 0)]
    public void Choose_TakesTheLeastHeldShare(int shares, int[] held, int preferred, int expected) =>
        Assert.Equal(expected, SharePolicy.Choose(shares, held, preferred));

    [Fact]
    public void Choose_OneAfterAnother_KeepsReplicasWithinOne() => Gen.Select(Gen.Int[1, 9], Gen.Int[1, 40]).Sample((shares, nodes) =>
    {
        var held = new List<int>();
        for (int i = 0; i < nodes; i++)
            held.Add(SharePolicy.Choose(shares, held, i % 3 == 0 ? i % shares : -1));
        int[] counts = [.. Enumerable.Range(0, shares).Select(share => held.Count(other => other == share))];
        Assert.InRange(counts.Max() - counts.Min(), 0, 1);
    });
}
