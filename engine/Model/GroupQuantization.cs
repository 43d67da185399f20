namespace MegaInfer.Engine.Model;

/// <summary>
/// Numbers in 8 and 4 bits, as kernels pack weights and take rows (kernels/src/quantise.h, quantised_row.h): a group of 32 neighbours shares a factor. Plain, and to the bit what the
/// kernels make.
/// </summary>
public static class GroupQuantization
{
    /// <summary>Neighbouring in_features that share a factor.</summary>
    public const int Group = 32;

    private const int Lanes = 8;

    // Adding and taking it away again rounds to a whole number, ties to even.
    private const float Whole = 12582912f;
    private const float LeastWeight = 9.3132257e-10f; // 2^-30
    private const float LeastMagnitude = 7.8886091e-31f; // 2^-100
    private const float Over127 = 1f / 127f;
    private const float MostHalf = 65504f;

    /// <summary>Quantises a group of weights; <paramref name="group"/> and <paramref name="codes"/> are <see cref="Group"/> long. A weight is its code times the result.</summary>
    /// <param name="type">Int8 or Int4.</param>
    /// <param name="group">Zeros beyond the matrix.</param>
    /// <param name="codes">-127..127, or -8..7.</param>
    public static float QuantizeWeights(NumberType type, ReadOnlySpan<float> group, Span<sbyte> codes)
    {
        float extreme = 0f;
        foreach (float x in group)
            extreme = MathF.Abs(x) > MathF.Abs(extreme) ? x : extreme;
        bool isByte = type == NumberType.Int8;
        float wanted = isByte ? MathF.Abs(extreme) / 127f : MathF.Abs(extreme) < LeastWeight ? 0f : BestScale(group, extreme);
        float scale = (float)(Half)Clamp(wanted, -MostHalf, MostHalf);
        float inverse = scale == 0f ? 0f : 1f / scale;
        for (int i = 0; i < group.Length; i++)
            codes[i] = (sbyte)(isByte ? Clamp(Round(group[i] * inverse), -127f, 127f) : Clamp(Round(group[i] * inverse), -8f, 7f));
        return scale;
    }

    /// <summary>Quantises a group of a row; an element is about its code times the result, which is not a number where an element is not finite.</summary>
    public static float QuantizeRow(ReadOnlySpan<float> group, Span<sbyte> codes)
    {
        float most = 0f;
        bool isFinite = true;
        foreach (float x in group)
        {
            isFinite &= float.IsFinite(x);
            most = MathF.Max(most, MathF.Abs(x));
        }

        codes.Clear();
        if (!isFinite)
            return float.NaN;
        if (most < LeastMagnitude)
            return 0f;
        float scale = 127f / most;
        for (int i = 0; i < group.Length; i++)
            codes[i] = (sbyte)Clamp(MathF.Round(group[i] * scale, MidpointRounding.ToEven), -127f, 127f);
        return most * Over127;
    }

    private static float BestScale(ReadOnlySpan<float> group, float extreme)
    {
        float best = 0f, scale = extreme / -8f;
        for (int i = -8; i <= 8; i++)
        {
            float here = Explained(group, -(8f + (0.1f * i)) / extreme, out float fitted);
            if (here > best)
                (best, scale) = (here, fitted);
        }

        return scale;
    }

    /// <summary>What a scale 1 / inverse explains once it is fitted: (Σ x c)² / Σ c².</summary>
    private static float Explained(ReadOnlySpan<float> group, float inverse, out float fitted)
    {
        Span<float> products = stackalloc float[Lanes];
        Span<float> squares = stackalloc float[Lanes];
        products.Clear();
        squares.Clear();
        for (int i = 0; i < group.Length; i++)
        {
            float code = Clamp(Round(group[i] * inverse), -8f, 7f);
            products[i % Lanes] += group[i] * code;
            squares[i % Lanes] += code * code;
        }

        float square = Fold(squares);
        fitted = square > 0f ? Fold(products) / square : 0f;
        return square > 0f ? Fold(products) * fitted : 0f;
    }

    // 4+4, 2+2, 1+1.
    private static float Fold(ReadOnlySpan<float> lanes) =>
        (lanes[0] + lanes[4] + (lanes[2] + lanes[6])) + (lanes[1] + lanes[5] + (lanes[3] + lanes[7]));

    private static float Round(float x) => x + Whole - Whole;

    private static float Clamp(float x, float least, float most) => x < least ? least : x > most ? most : x;
}
