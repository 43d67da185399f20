using MegaInfer.Engine;
using MegaInfer.Engine.Model;

namespace MegaInfer.Node;

/// <summary>What decides a node's bits: the kernels' formulas and the number types. Nodes with the same text may replace each other.</summary>
public static class NumericsId
{
    /// <param name="kernels">The kernel context's own text.</param>
    /// <param name="weights">Type of the packed weights.</param>
    /// <param name="kv">Type of the KV cache; expert nodes say it as well, since it is one of the cluster's numerics.</param>
    public static string Of(string kernels, NumberType weights, NumberType kv) => $"{kernels}/{weights.ShortName()}/kv-{kv.ShortName()}";

    /// <summary>The type to pack weights as: <c>auto</c> keeps what is stored, except that fp16 is widened to fp32, which kernels have.</summary>
    /// <exception cref="MegaInferException">Not one of auto, fp32, bf16.</exception>
    public static NumberType WeightType(string name, NumberType stored) => name switch
    {
        "auto" or "" => stored == NumberType.BFloat16 ? NumberType.BFloat16 : NumberType.Float32,
        _ => Parse(name, "weights"),
    };

    /// <summary>The type of the KV cache.</summary>
    /// <exception cref="MegaInferException">Not one of fp32, bf16.</exception>
    public static NumberType KvType(string name) => name.Length == 0 ? NumberType.BFloat16 : Parse(name, "the KV cache");

    private static NumberType Parse(string name, string what) => NumberTypes.FromShortName(name) switch
    {
        NumberType.Float32 => NumberType.Float32,
        NumberType.BFloat16 => NumberType.BFloat16,
        _ => throw new MegaInferException($"'{name}' is not a type for {what} that this node has; use fp32 or bf16."),
    };
}
