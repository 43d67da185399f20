namespace MegaInfer.Engine.Model.Families;

/// <summary>Where an expert's matrix [rows, columns] = [out features, in features] lies among the tensors of a layer.</summary>
/// <param name="Name">Of the tensor; <c>{layer}</c> and, where each expert has its own, <c>{expert}</c> stand for the indexes.</param>
public sealed record ExpertPattern(string Name)
{
    public ExpertStacking Stacking { get; init; }

    /// <summary>Stored as [columns, rows].</summary>
    public bool IsTransposed { get; init; }

    /// <summary>Matrices whose rows take turns in the tensor: 2 where gate and up share one.</summary>
    public int Turns { get; init; } = 1;

    /// <summary>Which of them this is.</summary>
    public int Turn { get; init; }

    /// <summary>The tensor with every expert's bias, [experts, rows x turns]; null where there is none.</summary>
    public string? Bias { get; init; }
}

/// <summary>How the experts of a layer share a tensor.</summary>
public enum ExpertStacking
{
    /// <summary>They do not: each has its own.</summary>
    None = 0,

    /// <summary>Below one another: [experts x rows, columns].</summary>
    Rows = 1,

    /// <summary>In a dimension of their own: [experts, rows, columns].</summary>
    Leading = 2,
}
