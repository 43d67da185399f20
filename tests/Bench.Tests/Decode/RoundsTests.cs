using MegaInfer.Bench.Decode;
using MegaInfer.Bench.Load;
using MegaInfer.Bench.Machine;
using Xunit;

namespace MegaInfer.Bench.Tests.Decode;

public sealed class RoundsTests
{
    private static readonly CancellationToken Cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task EachEnginesBestUndisturbedRoundCounts_AndEnginesTakeTurns()
    {
        var first = new Script("a", (10, 0.01), (30, 0.5), (20, 0.04));
        var second = new Script("b", (5, 0), (4, 0), (3, 0));
        (IReadOnlyList<Measured?> best, List<string> order, MachineLimits limits) = await RunAsync(3, first, second);
        Assert.Equal([20.0, 5.0], best.Select(measured => measured!.Value.TokensPerSecond));
        Assert.Equal(["a", "b", "a", "b", "a", "b"], order);
        Assert.Equal(new MachineLimits(3, 9), limits);
    }

    [Fact]
    public async Task AnEngineThatWasAlwaysDisturbed_IsTriedAgainAlone_ThenRefused()
    {
        var first = new Script("a", (1, 0.1), (2, 0.1), (3, 0.01));
        var second = new Script("b", (5, 0));
        var third = new Script("c", (7, 0.9));
        (IReadOnlyList<Measured?> best, List<string> order, _) = await RunAsync(1, first, second, third);
        Assert.Equal(3, best[0]!.Value.TokensPerSecond);
        Assert.Equal(5, best[1]!.Value.TokensPerSecond);
        Assert.Null(best[2]);
        Assert.Equal("abcacaccc"[..^1], string.Concat(order));
    }

    [Fact]
    public async Task WhereTheSystemTellsNothing_NothingIsRefused()
    {
        (IReadOnlyList<Measured?> best, _, _) = await RunAsync(1, new Script("a", (1, double.NaN)));
        Assert.Equal(1, best[0]!.Value.TokensPerSecond);
    }

    private static async Task<(IReadOnlyList<Measured?> Best, List<string> Order, MachineLimits Limits)> RunAsync(int count, params Script[] engines)
    {
        var order = new List<string>();
        int reads = 0;
        var rounds = new Rounds(engines, count, () => new MachineLimits(++reads, 10 - reads));
        (IReadOnlyList<Measured?> best, MachineLimits limits) = await rounds.RunAsync(
            engine => engine.DecodeAsync(new DecodeShape(1, 1, 1), Cancel), (engine, _) => order.Add(engine.Name), Cancel);
        return (best, order, limits);
    }

    /// <summary>Says what it was told to, the last again and again.</summary>
    private sealed class Script(string name, params (double Speed, double Others)[] results) : IDecodeEngine
    {
        private int _next;

        public string Name => name;

        public int MicroBatches => 1;

        public Task<Measured> DecodeAsync(DecodeShape shape, CancellationToken cancel)
        {
            (double speed, double others) = results[Math.Min(_next++, results.Length - 1)];
            return Task.FromResult(new Measured(speed, others));
        }

        public Task<Measured> PrefillAsync(int tokens, CancellationToken cancel) => throw new NotSupportedException();
    }
}
