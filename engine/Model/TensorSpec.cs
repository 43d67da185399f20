using System.Collections.Immutable;

namespace MegaInfer.Engine.Model;

/// <summary>A tensor that a model must have: its name in the checkpoint and its shape, outermost dimension first.</summary>
public sealed record TensorSpec(string Name, params ImmutableArray<int> Shape)
{
    /// <summary>For example <c>[768, 2048]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";

    /// <summary>Product of the shape.</summary>
    public long Elements => Shape.Aggregate(1L, (product, dimension) => checked(product * dimension));
}
