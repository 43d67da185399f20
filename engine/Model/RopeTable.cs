namespace MegaInfer.Engine.Model;

/// <summary>The cosines and sines that rope multiplies with, made once when a node loads; the same numbers on every node and in the reference.</summary>
public static class RopeTable
{
    /// <summary>
    /// <c>[context, RotaryDim]</c>: for each position the RotaryDim/2 cosines, then the RotaryDim/2 sines. Exponents, inverse frequencies and angles are rounded
    /// to float32 where the hub's code does, so that far positions rotate as the model was trained.
    /// </summary>
    public static float[] Build(RopeSpec rope, int context)
    {
        int half = rope.RotaryDim / 2;
        float[] inverseFrequencies = InverseFrequencies(rope);
        float factor = rope.Yarn?.AttentionFactor ?? 1f;
        float[] table = new float[(long)context * rope.RotaryDim];
        for (int position = 0; position < context; position++)
        {
            Span<float> row = table.AsSpan(checked(position * rope.RotaryDim), rope.RotaryDim);
            for (int i = 0; i < half; i++)
            {
                float angle = position * inverseFrequencies[i];
                row[i] = (float)Math.Cos(angle) * factor;
                row[half + i] = (float)Math.Sin(angle) * factor;
            }
        }

        return table;
    }

    /// <summary>[RotaryDim / 2]: radians that each pair turns from one position to the next.</summary>
    public static float[] InverseFrequencies(RopeSpec rope)
    {
        float[] inverse = new float[rope.RotaryDim / 2];
        for (int i = 0; i < inverse.Length; i++)
        {
            float exponent = 2f * i / rope.RotaryDim;
            float frequency = (float)Math.Pow(rope.Theta, exponent);
            inverse[i] = rope.Yarn is { } yarn ? Interpolate(yarn, frequency, Ramp(rope, yarn, i)) : 1f / frequency / rope.LinearFactor;
        }

        return inverse;
    }

    private static float Interpolate(YarnSpec yarn, float frequency, float ramp)
    {
        float kept = 1f - ramp;
        float stretched = 1f / (yarn.Factor * frequency) * (1f - kept);
        return stretched + (1f / frequency * kept);
    }

    /// <summary>0 for pairs that keep their frequency, 1 for those that are stretched whole.</summary>
    private static float Ramp(RopeSpec rope, YarnSpec yarn, int pair)
    {
        double low = PairThatTurns(rope, yarn, yarn.BetaFast);
        double high = PairThatTurns(rope, yarn, yarn.BetaSlow);
        if (yarn.IsTruncated)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, rope.RotaryDim - 1));
        if (low == high)
            high += 0.001; // as the hub's code: a step instead of a ramp
        return Math.Clamp((pair - (float)low) / (float)(high - low), 0f, 1f);
    }

    /// <summary>The pair, between whole ones, that turns so many times within the original context.</summary>
    private static double PairThatTurns(RopeSpec rope, YarnSpec yarn, double turns) =>
        rope.RotaryDim * Math.Log(yarn.OriginalContext / (turns * 2 * Math.PI)) / (2 * Math.Log(rope.Theta));
}
