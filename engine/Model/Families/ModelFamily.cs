namespace MegaInfer.Engine.Model.Families;

/// <summary>
/// What sets a model family apart, as data: how its config.json maps to a <see cref="ModelSpec"/> and how its tensors are named and laid out. The blocks themselves are
/// shared by all families. A new family is one of these and its line in <see cref="ModelFamilies"/>.
/// </summary>
public sealed record ModelFamily
{
    /// <summary>The config's <c>model_type</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>The class name in the config's <c>architectures</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>Another <c>model_type</c> that folders of this architecture have; null where there is none.</summary>
    public string? Alias { get; init; }

    public required ConfigFields Fields { get; init; }

    public required AttentionFields Attention { get; init; }

    public required RopeFields Rope { get; init; }

    public required RouterFields Router { get; init; }

    public required ExpertFields Experts { get; init; }

    public LayerFields Layers { get; init; } = new();

    /// <summary>Fields of this family that change the computation and that only one value is known for. What any family may have, the parser knows.</summary>
    public IReadOnlyList<FixedField> Fixed { get; init; } = [];

    public required TensorPatterns Tensors { get; init; }
}
