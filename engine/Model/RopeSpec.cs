namespace MegaInfer.Engine.Model;

/// <summary>Rotary positions: pair i turns by position * frequency i, which is Theta^(-2i/RotaryDim) unless scaled.</summary>
/// <param name="Theta">Base.</param>
/// <param name="RotaryDim">Components of a head that rotate: the first ones, or a latent attention's rope part.</param>
public sealed record RopeSpec(float Theta, int RotaryDim)
{
    /// <summary>Pairs are (2i, 2i + 1) instead of (i, i + RotaryDim/2).</summary>
    public bool IsAdjacent { get; init; }

    /// <summary>Frequencies are divided by it (linear scaling); 1: not.</summary>
    public float LinearFactor { get; init; } = 1f;

    /// <summary>Null where frequencies are not scaled by YaRN.</summary>
    public YarnSpec? Yarn { get; init; }
}

/// <summary>YaRN (arXiv 2309.00071): frequencies are interpolated between 1/Factor and 1 by a ramp over the pairs, and cosines and sines are multiplied.</summary>
/// <param name="Factor">Context growth.</param>
/// <param name="OriginalContext">Positions that the model was first trained on.</param>
/// <param name="BetaFast">Turns within the original context from which on a pair keeps its frequency.</param>
/// <param name="BetaSlow">Turns up to which a pair is fully interpolated.</param>
/// <param name="IsTruncated">The ramp's ends are rounded outwards to whole pairs.</param>
/// <param name="AttentionFactor">Multiplies cosines and sines.</param>
public sealed record YarnSpec(float Factor, int OriginalContext, float BetaFast, float BetaSlow, bool IsTruncated, float AttentionFactor);
