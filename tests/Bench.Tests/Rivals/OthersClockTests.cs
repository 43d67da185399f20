using System.Diagnostics;
using MegaInfer.Bench.Rivals;
using Xunit;

namespace MegaInfer.Bench.Tests.Rivals;

public sealed class OthersClockTests
{
    private const double BusySeconds = 0.5;

    [Fact]
    public void ParseMachine_CountsAllButIdleAndGuests() =>
        Assert.Equal((100 + 20 + 30 + 5 + 6 + 7) / 100.0, ProcessorTimes.ParseMachine("cpu  100 20 30 4000 500 5 6 7 80 9"));

    [Fact]
    public void ParseProcess_NameWithParentheses_IsSkipped() =>
        Assert.Equal((42, 7, 1.0), ProcessorTimes.ParseProcess("42 (a) (b c) S 7 42 42 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0 100 200 300"));

    [Fact]
    public void Tree_CountsABusyChild_WhileItRunsAndAfterwards()
    {
        double before = ProcessorTimes.TreeSeconds([Environment.ProcessId]);
        using Process child = Process.Start("sh", ["-c", "while :; do :; done"]);
        SpinUntil(() => ProcessorTimes.TreeSeconds([child.Id]) >= BusySeconds);
        Assert.True(ProcessorTimes.TreeSeconds([Environment.ProcessId]) - before >= BusySeconds);
        child.Kill();
        child.WaitForExit();
        Assert.True(ProcessorTimes.TreeSeconds([Environment.ProcessId]) - before >= BusySeconds);
    }

    // Two clocks over the same time differ by what one of them counts as its own, whatever else the machine does meanwhile.
    [Fact]
    public void StopShare_BusyStranger_CountsUnlessNamed()
    {
        using Process starter = Process.Start(new ProcessStartInfo("sh", ["-c", "(while :; do :; done) >/dev/null 2>&1 & echo $!"]) { RedirectStandardOutput = true })!;
        int stranger = int.Parse(starter.StandardOutput.ReadLine()!);
        starter.WaitForExit();
        try
        {
            double from = ProcessorTimes.TreeSeconds([stranger]);
            OthersClock all = OthersClock.Start();
            OthersClock withoutIt = OthersClock.Start(stranger);
            long started = Stopwatch.GetTimestamp();
            SpinUntil(() => ProcessorTimes.TreeSeconds([stranger]) - from >= BusySeconds);
            double share = all.StopShare();
            double otherShare = withoutIt.StopShare();
            double expected = BusySeconds / Stopwatch.GetElapsedTime(started).TotalSeconds;
            Assert.True(share >= 0.8 * expected, $"{share} of at least {expected}");
            Assert.InRange(share - otherShare, 0.6 * expected, 1.4 * expected);
        }
        finally
        {
            using Process process = Process.GetProcessById(stranger);
            process.Kill();
        }
    }

    private static void SpinUntil(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(() =>
    {
        Thread.Sleep(5);
        return condition();
    }, TimeSpan.FromSeconds(60)));
}
