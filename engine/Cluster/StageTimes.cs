namespace MegaInfer.Engine.Cluster;

/// <summary>What one micro-batch costs in one layer, in microseconds.</summary>
/// <param name="AttentionUs">Ta: the attention node's work.</param>
/// <param name="ExpertUs">Te: the expert nodes' work.</param>
/// <param name="TransferUs">Tc: one way between them; the way back takes as long.</param>
public readonly record struct StageTimes(double AttentionUs, double ExpertUs, double TransferUs)
{
    /// <summary>Tf = max(Ta, Te): the slower pool's work, below which no period can fall.</summary>
    public double SlowerUs => Math.Max(AttentionUs, ExpertUs);

    /// <summary>P = Ta + Te + 2 Tc: a micro-batch's way through one layer.</summary>
    public double RoundTripUs => AttentionUs + ExpertUs + (2 * TransferUs);
}
