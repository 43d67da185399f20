namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>YaRN's parameters: fast dimensions keep their frequency, slow ones are divided by the factor, and a ramp joins them.</summary>
internal sealed record OracleYarn
{
    public required double Factor { get; init; }

    public required double OriginalLength { get; init; }

    public required double LongLength { get; init; }

    public required double BetaFast { get; init; }

    public required double BetaSlow { get; init; }

    /// <summary>Whether the ramp's bounds are whole dimensions.</summary>
    public required bool Truncates { get; init; }

    /// <summary>On sine and cosine.</summary>
    public required double AttentionFactor { get; init; }

    /// <summary>On the scale of the attention scores; only latent attention applies it.</summary>
    public required double SoftmaxFactor { get; init; }

    public static OracleYarn Read(OracleConfig scaling, int longLength)
    {
        double factor = scaling.Number("factor");
        double scale = scaling.Number("mscale", 0);
        double scaleOfAll = scaling.Number("mscale_all_dim", 0);
        double usual = scale != 0 && scaleOfAll != 0 ? Magnitude(factor, scale) / Magnitude(factor, scaleOfAll) : Magnitude(factor, 1);
        return new OracleYarn
        {
            Factor = factor,
            OriginalLength = scaling.Integer("original_max_position_embeddings", longLength),
            LongLength = longLength,
            BetaFast = scaling.Number("beta_fast", 32),
            BetaSlow = scaling.Number("beta_slow", 1),
            Truncates = scaling.Flag("truncate", true),
            AttentionFactor = scaling.Number("attention_factor", usual),
            SoftmaxFactor = scaleOfAll == 0 ? 1 : Math.Pow(Magnitude(factor, scaleOfAll), 2),
        };
    }

    /// <summary>Radians per position of each pair of dimensions.</summary>
    public double[] Frequencies(double theta, int dim)
    {
        double low = DimensionOf(BetaFast, theta, dim);
        double high = DimensionOf(BetaSlow, theta, dim);
        if (Truncates)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, dim - 1));
        if (low == high)
            high += 0.001; // a step, without a division by zero
        return [.. Enumerable.Range(0, dim / 2).Select(pair =>
        {
            double slowness = Math.Clamp((pair - low) / (high - low), 0, 1);
            return Math.Pow(theta, -2.0 * pair / dim) * ((slowness / Factor) + 1 - slowness);
        })];
    }

    // The dimension that makes this many rotations in the original length.
    private double DimensionOf(double rotations, double theta, int dim) =>
        dim * Math.Log(OriginalLength / (rotations * 2 * Math.PI)) / (2 * Math.Log(theta));

    private static double Magnitude(double factor, double scale) => factor <= 1 ? 1 : (0.1 * scale * Math.Log(factor)) + 1;
}
