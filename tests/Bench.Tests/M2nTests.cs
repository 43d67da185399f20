using System.Xml.Linq;
using MegaInfer.Bench.M2n;
using Xunit;

namespace MegaInfer.Bench.Tests;

public sealed class M2nTests
{
    [Fact]
    public void Plan_EveryCaseOfOurs_HasARivalOfItsPattern()
    {
        M2nCase[] all = [.. M2nPlan.All()];
        Assert.Equal(all.Length, all.Distinct().Count());
        string[] engines = ["megainfer-shm", "megainfer-tcp", "megainfer-ucx", "openmpi-p2p", "openmpi-alltoallv", "openmpi-neighbor", "ucx-put", "tcp", "relay", "memcpy", "futex", "line"];
        Assert.Equal(engines.Order(), all.Select(it => it.Engine).Distinct().Order());
        foreach (M2nCase ours in all.Where(it => it.Program == "m2n"))
            Assert.Contains(all, it => it.Program is not ("m2n" or "limits") && it.Pattern == ours.Pattern && it.Bytes == ours.Bytes && it.BetweenHosts == ours.BetweenHosts);
        Assert.NotEmpty(M2nPlan.Smoke());
    }

    [Fact]
    public void Best_OfRepetitions_IsTheLeastTimeAndTheMostBandwidth()
    {
        var it = new M2nCase("tcp", "tcp", 1, 1, 4096, "spin", "epoll");
        var best = new M2nBest();
        best.Add(it, M2nRun.Read(it, """{"p50_us":5.0,"p99_us":9.5,"gb_per_s":0.5,"rounds":3}"""));
        best.Add(it, M2nRun.Read(it, """{"p50_us":6.0,"p99_us":8.5,"gb_per_s":0.75,"rounds":3}"""));
        M2nRow row = Assert.Single(best.Rows);
        Assert.Equal((5.0, 8.5, 0.75), (row.P50Us, row.P99Us, row.GbPerS));
    }

    [Fact]
    public void Chart_IsWellFormed_WithALineForEachSeries()
    {
        M2nRow[] rows = [.. M2nPlan.All().Select((it, i) => M2nRun.Read(it, FormattableString.Invariant($$"""{"p50_us":{{i + 1}},"p99_us":9,"gb_per_s":0.5}""")))];
        XDocument chart = XDocument.Parse(M2nChart.Of(rows));
        XName line = XName.Get("polyline", "http://www.w3.org/2000/svg");
        Assert.True(chart.Descendants(line).Count() >= 7);
        Assert.NotNull(XDocument.Parse(M2nChart.Of([])).Root);
    }
}
