using Xunit;

namespace MegaInfer.Bench.Tests;

public sealed class BenchLockTests
{
    [Fact]
    public async Task TakeAsync_WhileHeld_SaysSoAndWaits()
    {
        using var log = new StringWriter();
        // A file of its own: the machine's may be held by a real measurement for as long as that takes.
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "lock");
        CancellationToken cancel = TestContext.Current.CancellationToken;
        Task<BenchLock> second;
        using (await BenchLock.TakeAsync(path, TextWriter.Null, cancel))
        {
            second = BenchLock.TakeAsync(path, log, cancel);
            await Task.Delay(300, cancel);
            Assert.False(second.IsCompleted);
        }

        using (await second)
            Assert.Contains(path, log.ToString(), StringComparison.Ordinal);
    }
}
