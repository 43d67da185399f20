using MegaInfer.Engine;
using MegaInfer.Engine.Model;

namespace MegaInfer.Bench.Gguf;

/// <summary>What a family is to GGUF.</summary>
/// <param name="Architecture">The file's name for it, which its metadata keys begin with.</param>
/// <param name="RotatesNeighbours">Queries and keys rotate 2i with 2i + 1, so their rows are reordered.</param>
internal sealed record GgufFamily(string Architecture, bool RotatesNeighbours)
{
    private static readonly Dictionary<string, GgufFamily> Known = new(StringComparer.Ordinal)
    {
        ["qwen3_moe"] = new GgufFamily("qwen3moe", RotatesNeighbours: false),
        ["mixtral"] = new GgufFamily("llama", RotatesNeighbours: true),
    };

    /// <exception cref="MegaInferException">The family, or something that this model has, cannot be exported.</exception>
    public static GgufFamily Of(ModelSpec spec)
    {
        if (!Known.TryGetValue(spec.Family, out GgufFamily? family))
            throw new MegaInferException($"Models of family \"{spec.Family}\" cannot be exported to GGUF; those of {string.Join(" and ", Known.Keys)} can.");
        if (Misfit(spec) is { } misfit)
            throw new MegaInferException($"This {spec.Family} model cannot be exported to GGUF: its {misfit}, for which ggml's {family.Architecture} or this export has no place.");
        return family;
    }

    // What the two architectures leave no room for, so that no file computes something else than its checkpoint.
    private static string? Misfit(ModelSpec spec) => spec switch
    {
        { Attention: not GroupedAttentionSpec { HasQkvBias: false, ClipQkv: 0, HasOutputBias: false, HasSinks: false } } => "attention has biases, clipping or sinks",
        { Rope.Yarn: not null } or { Rope.LinearFactor: not 1f } => "rope is scaled",
        _ when spec.Rope.IsAdjacent || spec.Rope.RotaryDim != spec.Attention.KeyDim => "rope turns part of a head or neighbours",
        { Router: not { IsNormalized: true, Score: RouterScore.Softmax, Groups: 1, HasBias: false, HasCorrection: false, Scaling: 1f } } =>
            "router is not a plain normalised softmax",
        { Experts: not { Activation: Activation.Swiglu, HasBias: false } } or { SharedExpert: not null } => "experts are shared, biased or not SwiGLU",
        { Weights.Quantized: not null } => "weights are quantised",
        { Norm: not NormKind.Rms } => "norms are not RMSNorm",
        _ when spec.Layers.Any(layer => layer.IsDense) => "first layers are dense",
        _ when spec.Layers.Any(layer => layer.Window > 0 && layer.Window < spec.ContextLength) => "attention has a sliding window",
        _ => null,
    };
}
