using MegaInfer.Bench.Processes;
using Xunit;

namespace MegaInfer.Bench.Tests.Processes;

public sealed class MetricsPageTests
{
    [Fact]
    public void Sum_AddsWhatNodesSay()
    {
        MetricsPage page = MetricsPage.Parse("# HELP rows Rows.\n# TYPE rows counter\nrows{node=\"1\"} 2.5\nrows{node=\"2\"} 1e3\nsteps 7\n");
        Assert.Equal(1002.5, page.Sum("rows"));
        Assert.Equal(7, page.Sum("steps"));
        Assert.Equal(0, page.Sum("nothing"));
    }
}
