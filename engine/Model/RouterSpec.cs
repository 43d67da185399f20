namespace MegaInfer.Engine.Model;

/// <summary>The gate: scores over ExpertCount logits, then the ExpertsPerToken largest, ties to the lower expert.</summary>
/// <param name="ExpertCount">Routed experts in each layer that has any.</param>
/// <param name="ExpertsPerToken">Experts that each row visits (top-k).</param>
/// <param name="IsNormalized">The chosen scores are divided by their sum.</param>
public sealed record RouterSpec(int ExpertCount, int ExpertsPerToken, bool IsNormalized)
{
    public RouterScore Score { get; init; }

    /// <summary>The logits have a bias.</summary>
    public bool HasBias { get; init; }

    /// <summary>Each expert has a correction that is added to its score for the choice only.</summary>
    public bool HasCorrection { get; init; }

    /// <summary>Experts form so many groups of neighbours, of which TopGroups may be chosen from; 1: no groups.</summary>
    public int Groups { get; init; } = 1;

    public int TopGroups { get; init; } = 1;

    public GroupScore GroupScore { get; init; }

    /// <summary>Multiplies the weights at the end.</summary>
    public float Scaling { get; init; } = 1f;
}

/// <summary>How logits become scores. The values are those of mk_router_kind.</summary>
public enum RouterScore
{
    Softmax = 0,
    Sigmoid = 1,
}

/// <summary>What a group of experts is chosen by. The values are those of mk_group_score.</summary>
public enum GroupScore
{
    /// <summary>Its greatest corrected score.</summary>
    Maximum = 0,

    /// <summary>The sum of its two greatest.</summary>
    TopTwo = 1,
}
