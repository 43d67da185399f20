using MegaInfer.Engine.Cluster;

namespace MegaInfer.Bench.Decode;

/// <summary>One measurement of one engine.</summary>
/// <param name="TokensPerSecond">All sequences together.</param>
/// <param name="OthersShare">Processor time that other processes took meanwhile, in cores; NaN where the system does not tell.</param>
/// <param name="Stages">Ta, Te and Tc of one micro-batch in one layer; of our own decode only.</param>
/// <param name="ExpertReadsPerLayer">Readings of an expert's weights in a layer's step; of nodes in this process only.</param>
/// <param name="RowsPerExpertGemm">Where those are counted.</param>
internal readonly record struct Measured(double TokensPerSecond, double OthersShare, StageTimes Stages = default, double ExpertReadsPerLayer = 0, double RowsPerExpertGemm = 0)
{
    /// <summary>From this share of a core on, somebody else's work may be in the number.</summary>
    internal const double DisturbedFrom = 0.05;

    /// <summary>The sentence on what was disturbed whenever it was measured.</summary>
    internal static string NotReported(string what) =>
        $"{what}: other processes took {DisturbedFrom:0%} of a core or more in every round; not reported. Measure on a quiet machine.";

    internal bool IsUndisturbed => !(OthersShare >= DisturbedFrom);
}
