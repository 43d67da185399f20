using MegaInfer.Bench.Cluster;
using MegaInfer.Engine.Cluster;

namespace MegaInfer.Bench.Load;

/// <summary>The mean of the stage times that attention nodes report, over a window.</summary>
internal sealed class StageSampler(LocalCluster cluster)
{
    private double _attention;
    private double _expert;
    private double _transfer;
    private int _samples;

    internal StageTimes Mean => _samples == 0 ? Read(0) : new StageTimes(_attention / _samples, _expert / _samples, _transfer / _samples);

    internal void Sample()
    {
        for (int node = 0; node < cluster.AttentionNodeCount; node++)
        {
            StageTimes times = Read(node);
            _attention += times.AttentionUs;
            _expert += times.ExpertUs;
            _transfer += times.TransferUs;
            _samples++;
        }
    }

    private StageTimes Read(int node) => cluster.AttentionMetrics(node).StageTimes;
}
