namespace MegaInfer.Engine.Model.Families;

/// <summary>
/// What sets a model family apart, as data: how its config.json maps to a <see cref="ModelSpec"/> and how its tensors are named. The blocks themselves are
/// shared by all families. A new family is one of these and its line in <see cref="ModelFamilies"/>.
/// </summary>
public sealed record ModelFamily
{
    /// <summary>The config's <c>model_type</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>The class name in the config's <c>architectures</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>RMSNorm per head on queries and keys.</summary>
    public required bool HasHeadNorm { get; init; }

    public required ConfigFields Fields { get; init; }

    public required TensorPatterns Tensors { get; init; }
}
