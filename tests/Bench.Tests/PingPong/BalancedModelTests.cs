using MegaInfer.Bench.PingPong;
using MegaInfer.Engine.Cluster;
using Xunit;

namespace MegaInfer.Bench.Tests.PingPong;

public sealed class BalancedModelTests
{
    [Theory]
    [InlineData(256, 500, 500, 256)]
    [InlineData(256, 750, 500, 384)]
    [InlineData(256, 250, 500, 128)]
    [InlineData(256, 1, 500, 16)]
    public void NextWidth_MeasuredTimes_ScalesToAttention(int width, double attentionUs, double expertUs, int expected) =>
        Assert.Equal(expected, BalancedModel.NextWidth(width, new StageTimes(attentionUs, expertUs, 5)));
}
