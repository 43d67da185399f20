namespace MegaInfer.Engine.Reference;

/// <summary>A row divided by its root mean square, times a weight: mk_rmsnorm.</summary>
/// <param name="weight">[width]</param>
/// <param name="epsilon">Added to the mean square.</param>
internal sealed class RmsNorm(float[] weight, float epsilon) : INorm
{
    /// <summary>[width] to [width], or a head of a row at a time where the row holds several.</summary>
    public float[] Forward(ReadOnlySpan<float> row)
    {
        float[] result = new float[row.Length];
        for (int start = 0; start < row.Length; start += weight.Length)
            ForwardGroup(row.Slice(start, weight.Length), result.AsSpan(start, weight.Length));
        return result;
    }

    private void ForwardGroup(ReadOnlySpan<float> row, Span<float> result)
    {
        Span<float> lanes = stackalloc float[Lanes.Count];
        lanes.Clear();
        for (int i = 0; i < row.Length; i++)
            lanes[i % Lanes.Count] = MathF.FusedMultiplyAdd(row[i], row[i], lanes[i % Lanes.Count]);
        float mean = Lanes.Fold(lanes) / row.Length;
        float factor = 1f / MathF.Sqrt(mean + epsilon);
        for (int i = 0; i < row.Length; i++)
            result[i] = row[i] * factor * weight[i];
    }
}
