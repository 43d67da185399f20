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

    [Fact]
    public void Transports_NameTheRanksOfEach()
    {
        Assert.Equal("-", StatusReport.Transports([]));
        Assert.Equal("shm:0 tcp:1-2", StatusReport.Transports([new(2, "tcp"), new(0, "shm"), new(1, "tcp")]));
    }
}
