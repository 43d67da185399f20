namespace MegaInfer.Engine.Model.Families;

/// <summary>How a family's <see cref="RouterSpec"/> follows from its config.json.</summary>
public sealed record RouterFields
{
    public required string ExpertCount { get; init; }

    public string ExpertsPerToken { get; init; } = "num_experts_per_tok";

    public RouterScore Score { get; init; }

    /// <summary>The chosen scores are divided by their sum.</summary>
    public Switch IsNormalized { get; init; } = Switch.Always;

    public bool HasBias { get; init; }

    public bool HasCorrection { get; init; }

    /// <summary>Groups of experts, and those chosen from; null where the family has none.</summary>
    public string? Groups { get; init; }

    public string TopGroups { get; init; } = "topk_group";

    /// <summary>What the authors' code takes for absent ones.</summary>
    public (int Groups, int TopGroups) DefaultGroups { get; init; } = (1, 1);

    public GroupScore GroupScore { get; init; }

    /// <summary>Ways to choose that <c>topk_method</c> may name, and whether each limits itself to groups. The first is the default.</summary>
    public IReadOnlyList<(string Name, bool IsGrouped)> Methods { get; init; } = [];

    /// <summary>Null where weights are not scaled.</summary>
    public string? Scaling { get; init; }

    /// <summary>What the authors' code takes for an absent <see cref="Scaling"/>.</summary>
    public float DefaultScaling { get; init; } = 1f;

    /// <summary>Weights that were normalised are left unscaled.</summary>
    public bool ScalesOnlyUnnormalized { get; init; }
}
