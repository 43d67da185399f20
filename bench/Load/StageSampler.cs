using MegaInfer.Bench.Cluster;
using MegaInfer.Engine.Cluster;

namespace MegaInfer.Bench.Load;

/// <summary>
/// The medians of the stage times that attention nodes report, over a window. Medians, because what the nodes report are running means, which still
/// hold the prompts' long steps when a decode window begins.
/// </summary>
internal sealed class StageSampler(LocalCluster cluster)
{
    private readonly List<StageTimes> _samples = [];

    internal StageTimes Median => _samples.Count == 0
        ? Read(0)
        : new StageTimes(MedianOf(times => times.AttentionUs), MedianOf(times => times.ExpertUs), MedianOf(times => times.TransferUs));

    internal void Sample()
    {
        for (int node = 0; node < cluster.AttentionNodeCount; node++)
            _samples.Add(Read(node));
    }

    private double MedianOf(Func<StageTimes, double> stage) => _samples.Select(stage).Order().ElementAt(_samples.Count / 2);

    private StageTimes Read(int node) => cluster.AttentionMetrics(node).StageTimes;
}
