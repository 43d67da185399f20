using MegaInfer.Bench.Quality;
using Xunit;

namespace MegaInfer.Bench.Tests.Quality;

public sealed class QualitySumsTests
{
    [Fact]
    public void SameLogits_HaveNoDivergence()
    {
        var sums = new QualitySums();
        sums.Add([1f, 2f, -3f], [1f, 2f, -3f], next: 1);
        sums.Add([0f, 0.5f, 4f], [10f, 10.5f, 14f], next: 2); // the same distribution
        Assert.Equal(0, sums.MeanKl, 1e-6);
        Assert.Equal(1, sums.SameTop);
        Assert.Equal(sums.ExactPerplexity, sums.Perplexity, 1e-5);
    }

    [Fact]
    public void TwoOutcomes_GiveTheClosedForm()
    {
        var sums = new QualitySums();
        sums.Add([MathF.Log(3), 0f], [0f, MathF.Log(4)], next: 0); // 3/4, 1/4 against 1/5, 4/5
        Assert.Equal((0.75 * Math.Log(0.75 / 0.2)) + (0.25 * Math.Log(0.25 / 0.8)), sums.MeanKl, 1e-6);
        Assert.Equal(0, sums.SameTop);
        Assert.Equal(5, sums.Perplexity, 1e-5);
        Assert.Equal(4 / 3.0, sums.ExactPerplexity, 1e-5);
        Assert.Equal(0, sums.MeanKlError, 1e-9);
    }
}
