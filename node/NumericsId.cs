using MegaInfer.Engine;
using MegaInfer.Engine.Model;

namespace MegaInfer.Node;

/// <summary>What decides a node's bits: the kernels' formulas and the number types. Nodes of one role with the same text may replace each other.</summary>
public static class NumericsId
{
    /// <param name="kernels">The kernel context's own text.</param>
    /// <param name="weights">Types of the role's packed weights, routers apart: several where the checkpoint mixes them, <c>bf16+fp8</c>.</param>
    /// <param name="kv">Type of the KV cache; expert nodes say it as well, since it is one of the cluster's numerics.</param>
    public static string Of(string kernels, IEnumerable<NumberType> weights, NumberType kv) =>
        $"{kernels}/{string.Join('+', weights.Distinct().Order().Select(type => type.ShortName()))}/kv-{kv.ShortName()}";

    /// <summary>The type to pack weights as; null for <c>auto</c>: each as it is stored.</summary>
    /// <exception cref="MegaInferException">Not one of auto, fp32, bf16, int8, int4.</exception>
    public static NumberType? WeightType(string name) => name switch
    {
        "auto" or "" => null,
        _ when NumberTypes.FromShortName(name) is { } type && type != NumberType.Float16 => type,
        _ => throw new MegaInferException($"'{name}' is not a type for weights that this node has; use fp32, bf16, int8 or int4."),
    };

    /// <summary>The type of the KV cache.</summary>
    /// <exception cref="MegaInferException">Not one of fp32, bf16.</exception>
    public static NumberType KvType(string name) => NumberTypes.FromShortName(name.Length == 0 ? "bf16" : name) switch
    {
        NumberType.Float32 => NumberType.Float32,
        NumberType.BFloat16 => NumberType.BFloat16,
        _ => throw new MegaInferException($"'{name}' is not a type for the KV cache that this node has; use fp32 or bf16."),
    };
}
