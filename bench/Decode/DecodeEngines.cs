using MegaInfer.Bench.Cluster;
using MegaInfer.Bench.Processes;

namespace MegaInfer.Bench.Decode;

/// <summary>The engines of one run, and what they hold. Ours come first.</summary>
internal sealed class DecodeEngines : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly List<IDecodeEngine> _all = [];

    internal IReadOnlyList<IDecodeEngine> All => _all;

    internal void Add(IDecodeEngine engine) => _all.Add(engine);

    /// <summary>Real processes.</summary>
    internal async Task AddServedAsync(IEnumerable<string> arguments, int microBatches, int vocabulary, CancellationToken cancel)
    {
        ServedCluster cluster = await ServedCluster.StartSettledAsync([.. arguments, "--micro-batches", microBatches == 0 ? "auto" : $"{microBatches}"], cancel);
        _owned.Add(cluster);
        Add(new ServedEngine(cluster, vocabulary, microBatches));
    }

    /// <summary>Threads of this process.</summary>
    internal void AddLocal(LocalClusterOptions options)
    {
        LocalCluster cluster = LocalCluster.Start(options);
        _owned.Add(cluster);
        Add(new LocalEngine(cluster, options.MicroBatches));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable owned in _owned)
            await owned.DisposeAsync();
    }
}
