using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>A norm of rows.</summary>
internal interface INorm
{
    // [width] -> [width]
    float[] Forward(ReadOnlySpan<float> row);

    /// <summary>The norm that a spec names for its hidden rows.</summary>
    static INorm Of(ModelSpec spec, float[] weight) => spec.Norm switch
    {
        NormKind.Rms => new RmsNorm(weight, spec.NormEpsilon),
        NormKind.Layer => new LayerNorm(weight, spec.NormEpsilon),
        _ => throw new ArgumentOutOfRangeException(nameof(spec)),
    };
}
