using Xunit;

namespace MegaInfer.Bench.Tests;

public sealed class BenchLockTests
{
    [Fact]
    public async Task TakeAsync_WhileHeld_SaysSoAndWaits()
    {
        using var log = new StringWriter();
        // A real measurement may hold it: then this test waits its turn, too, for a while.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Task<BenchLock> second;
        using (await BenchLock.TakeAsync(TextWriter.Null, patience.Token))
        {
            second = BenchLock.TakeAsync(log, patience.Token);
            await Task.Delay(300, TestContext.Current.CancellationToken);
            Assert.False(second.IsCompleted);
        }

        using (await second)
            Assert.Contains(BenchLock.FilePath, log.ToString(), StringComparison.Ordinal);
    }
}
