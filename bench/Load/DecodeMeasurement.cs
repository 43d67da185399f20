using MegaInfer.Engine.Cluster;

namespace MegaInfer.Bench.Load;

/// <summary>What a decode window showed.</summary>
internal sealed record DecodeMeasurement
{
    public required int Batch { get; init; }

    public required double TokensPerSecond { get; init; }

    /// <summary>Positions that a row attends to, on average over the sequence's life.</summary>
    public required int MeanContext { get; init; }

    /// <summary>Ta, Te and Tc of one micro-batch in one layer; Tc is 0 where it could not be seen.</summary>
    public required StageTimes Stages { get; init; }

    /// <summary>What the nodes did in the window.</summary>
    public required ClusterCounters Work { get; init; }

    public required int LayerCount { get; init; }

    /// <summary>Layers that are not dense.</summary>
    public required int ExpertLayerCount { get; init; }

    /// <summary>Time of one token of every sequence.</summary>
    public double StepMs => 1e3 * Batch / TokensPerSecond;

    /// <summary>Of an attention node's step: what is neither in the layers nor a wait for experts, such as the output head, sampling and scheduling.</summary>
    public double OutsideUs(int microBatches) =>
        (1e6 * Ratio((Work.Seconds * Work.AttentionNodes) - Work.AttentionWaitSeconds, Work.Steps)) - (Stages.AttentionUs * microBatches * LayerCount);

    /// <summary>Readings of an expert's weights per layer with experts and step of the whole batch: the distinct experts where there is one attention node and one micro-batch.</summary>
    public double ExpertReadsPerLayer => Ratio(Work.ExpertGemms, Work.DecodeRows / (double)Batch * ExpertLayerCount);

    public double RowsPerExpertGemm => Ratio(Work.ExpertPairs, Work.ExpertGemms);

    /// <summary>Part of expert batches that held rows of several attention nodes.</summary>
    public double GatheredShare => Ratio(Work.GatheredBatches, Work.ExpertBatches);

    /// <summary>Part of the time in which attention nodes waited, for experts or for work.</summary>
    public double AttentionIdleShare => 1 - Ratio(Work.AttentionBusySeconds, Work.Seconds * Work.AttentionNodes);

    /// <summary>Part of the time in which expert nodes did not compute.</summary>
    public double ExpertIdleShare => 1 - Ratio(Work.ExpertBusySeconds, Work.Seconds * Work.ExpertNodes);

    private static double Ratio(double part, double whole) => whole > 0 ? part / whole : 0;
}
