using MegaInfer.ExpertNodes.Pipeline;
using Xunit;

namespace MegaInfer.ExpertNodes.Tests.Pipeline;

public sealed class RunningMeanTests
{
    [Fact]
    public void Value_BeforeAny_IsZero() => Assert.Equal(0, default(RunningMean).Value);

    [Fact]
    public void Add_First_IsTheMean()
    {
        var mean = default(RunningMean);
        mean.Add(80);
        Assert.Equal(80, mean.Value);
    }

    [Fact]
    public void Add_Next_MovesAnEighthOfTheWay()
    {
        var mean = default(RunningMean);
        mean.Add(80);
        mean.Add(160);
        Assert.Equal(90, mean.Value);
    }
}
