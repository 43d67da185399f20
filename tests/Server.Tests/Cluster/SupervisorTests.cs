using System.Diagnostics;
using System.Globalization;
using MegaInfer.Engine;
using MegaInfer.Server.Cluster;
using MegaInfer.Server.Health;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MegaInfer.Server.Tests.Cluster;

/// <summary>Children as real processes: small shell scripts.</summary>
public sealed class SupervisorTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private readonly StringWriter _log = new(CultureInfo.InvariantCulture);
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task ChildThatEndsBeforeReady_FailsTheStartWithItsLastLine()
    {
        await using Supervisor supervisor = Supervise("echo first >&2; echo 'the weights are torn' >&2; exit 1");
        await supervisor.StartAsync();
        MegaInferException error = await Assert.ThrowsAsync<MegaInferException>(() => supervisor.StartFailed.WaitAsync(Bound));
        Assert.Equal("child 0 did not start: the weights are torn", error.Message);
        Assert.Contains("[child 0] first", _log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChildThatEndsLater_IsStartedAgainAfterTheBackOff()
    {
        string folder = Directory.CreateTempSubdirectory("megainfer-").FullName;
        try
        {
            // Each run leaves a mark and ends when it is told to.
            await using Supervisor supervisor = Supervise($"mktemp {folder}/run.XXXXXX >/dev/null; while [ ! -e {folder}/end ]; do sleep 0.01; done");
            await supervisor.StartAsync();
            await UntilAsync(() => Directory.GetFiles(folder, "run.*").Length == 1);
            supervisor.Settle();
            await File.WriteAllTextAsync(Path.Combine(folder, "end"), "");
            await UntilAsync(() =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(100));
                return Directory.GetFiles(folder, "run.*").Length >= 3;
            });
            Assert.False(supervisor.StartFailed.IsCompleted);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Dispose_ClosesStandardInput_AndChildrenEnd()
    {
        string file = Path.GetTempFileName();
        try
        {
            Supervisor supervisor = Supervise($"cat >/dev/null; echo 'saw the end' >{file}");
            await supervisor.StartAsync();
            await supervisor.DisposeAsync().AsTask().WaitAsync(Bound);
            Assert.Equal("saw the end\n", await File.ReadAllTextAsync(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Dispose_ChildThatDoesNotEnd_IsKilled()
    {
        Supervisor supervisor = Supervise("exec sleep 600 </dev/null");
        await supervisor.StartAsync();
        Task stopping = supervisor.DisposeAsync().AsTask();
        while (!stopping.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(stopping, Task.Delay(10));
        }

        await stopping.WaitAsync(Bound);
    }

    [Fact]
    public async Task Start_MissingExecutable_IsNamed()
    {
        await using var supervisor = new Supervisor([new ChildSpec("child 0", "/nowhere/node", [])], _log, new ServerMetrics(), _time, NullLogger.Instance);
        MegaInferException error = await Assert.ThrowsAsync<MegaInferException>(supervisor.StartAsync);
        Assert.Contains("/nowhere/node", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 100)]
    [InlineData(2, 200)]
    [InlineData(5, 1600)]
    [InlineData(50, 10_000)]
    public void BackOff_DoublesUpToABound(int crashes, int expectedMs) => Assert.Equal(expectedMs, BackOffPolicy.Delay(crashes).TotalMilliseconds);

    private Supervisor Supervise(string script) => new(
        [new ChildSpec("child 0", "/bin/sh", ["-c", script])], TextWriter.Synchronized(_log), new ServerMetrics(), _time, NullLogger.Instance);

    private static async Task UntilAsync(Func<bool> condition)
    {
        long started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Bound, "it did not happen");
            await Task.Delay(5);
        }
    }
}
