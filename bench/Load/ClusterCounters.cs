using System.Diagnostics;
using MegaInfer.AttentionNodes.Metrics;
using MegaInfer.Bench.Cluster;
using MegaInfer.ExpertNodes.Pipeline;

namespace MegaInfer.Bench.Load;

/// <summary>The counters of all nodes at one moment, or what they grew by between two.</summary>
internal readonly record struct ClusterCounters
{
    public required int AttentionNodes { get; init; }

    public required int ExpertNodes { get; init; }

    /// <summary>On the stopwatch; a duration in a difference.</summary>
    public required double Seconds { get; init; }

    public required long Steps { get; init; }

    public required long DecodeRows { get; init; }

    public required long ExpertBatches { get; init; }

    public required long GatheredBatches { get; init; }

    public required long ExpertPairs { get; init; }

    public required long ExpertGemms { get; init; }

    /// <summary>Steps without their waits for experts.</summary>
    public required double AttentionBusySeconds { get; init; }

    /// <summary>Attention nodes' waits for experts.</summary>
    public required double AttentionWaitSeconds { get; init; }

    public required double ExpertBusySeconds { get; init; }

    internal static ClusterCounters Read(LocalCluster cluster)
    {
        AttentionNodeMetrics[] attention = [.. Enumerable.Range(0, cluster.AttentionNodeCount).Select(cluster.AttentionMetrics)];
        ExpertNodeMetrics[] experts = [.. Enumerable.Range(0, cluster.ExpertRankCount).Select(cluster.ExpertMetrics)];
        return new ClusterCounters
        {
            AttentionNodes = attention.Length,
            ExpertNodes = experts.Length,
            Seconds = Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency,
            Steps = attention.Sum(node => node.Steps),
            DecodeRows = attention.Sum(node => node.DecodeRows),
            ExpertBatches = experts.Sum(node => node.Batches),
            GatheredBatches = experts.Sum(node => node.GatheredBatches),
            ExpertPairs = experts.Sum(node => node.Pairs),
            ExpertGemms = experts.Sum(node => node.ExpertGemms),
            AttentionBusySeconds = attention.Sum(node => (node.StepTime - node.WaitTime).TotalSeconds),
            AttentionWaitSeconds = attention.Sum(node => node.WaitTime.TotalSeconds),
            ExpertBusySeconds = experts.Sum(node => node.ComputeNs / 1e9),
        };
    }

    public static ClusterCounters operator -(ClusterCounters after, ClusterCounters before) => after with
    {
        Seconds = after.Seconds - before.Seconds,
        Steps = after.Steps - before.Steps,
        DecodeRows = after.DecodeRows - before.DecodeRows,
        ExpertBatches = after.ExpertBatches - before.ExpertBatches,
        GatheredBatches = after.GatheredBatches - before.GatheredBatches,
        ExpertPairs = after.ExpertPairs - before.ExpertPairs,
        ExpertGemms = after.ExpertGemms - before.ExpertGemms,
        AttentionBusySeconds = after.AttentionBusySeconds - before.AttentionBusySeconds,
        AttentionWaitSeconds = after.AttentionWaitSeconds - before.AttentionWaitSeconds,
        ExpertBusySeconds = after.ExpertBusySeconds - before.ExpertBusySeconds,
    };
}
