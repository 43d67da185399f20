using System.Collections.Immutable;

namespace MegaInfer.Engine.Model;

/// <summary>A tensor that a model must have: its name in the checkpoint and its shape, outermost dimension first.</summary>
public sealed record TensorSpec(string Name, params ImmutableArray<int> Shape)
{
    public TensorStorage Storage { get; init; }

    /// <summary>For example <c>[768, 2048]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";

    /// <summary>Product of the shape.</summary>
    public long Elements => Shape.Aggregate(1L, (product, dimension) => checked(product * dimension));
}

/// <summary>How a tensor's elements may be stored.</summary>
public enum TensorStorage
{
    /// <summary>BF16, F16 or F32.</summary>
    Plain = 0,

    /// <summary>As Plain, or FP8 with the scales of its blocks in a tensor beside it where the config says that weights are FP8.</summary>
    Projection = 1,

    /// <summary>Bytes: two 4-bit numbers in each, the one with the lower column in the lower half.</summary>
    MxFloat4Pairs = 2,

    /// <summary>Bytes: the exponents e of scales 2^(e - 127).</summary>
    Exponents = 3,

    /// <summary>BF16, F16 or F32, all of which folders have: one for each block of an FP8 matrix.</summary>
    Scales = 4,
}
