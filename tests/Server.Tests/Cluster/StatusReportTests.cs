using MegaInfer.Server.Cluster;
using Xunit;

namespace MegaInfer.Server.Tests.Cluster;

public sealed class StatusReportTests
{
    [Theory]
    [InlineData(new int[0], "-")]
    [InlineData(new[] { 3 }, "3")]
    [InlineData(new[] { 0, 1, 2, 5, 7, 8 }, "0-2,5,7-8")]
    public void Ranges_JoinNeighbours(int[] experts, string expected) => Assert.Equal(expected, StatusReport.Ranges(experts));
}
