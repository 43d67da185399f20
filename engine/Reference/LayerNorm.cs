namespace MegaInfer.Engine.Reference;

/// <summary>A row less its mean, divided by its standard deviation, times a weight: mk_layernorm.</summary>
/// <param name="weight">[width]</param>
/// <param name="epsilon">Added to the mean square.</param>
internal sealed class LayerNorm(float[] weight, float epsilon) : INorm
{
    // [width] -> [width]
    public float[] Forward(ReadOnlySpan<float> row)
    {
        Span<float> lanes = stackalloc float[Lanes.Count];
        lanes.Clear();
        for (int i = 0; i < row.Length; i++)
            lanes[i % Lanes.Count] += row[i];
        float mean = Lanes.Fold(lanes) / row.Length;

        float[] result = new float[row.Length];
        lanes.Clear();
        for (int i = 0; i < row.Length; i++)
        {
            result[i] = row[i] - mean;
            lanes[i % Lanes.Count] = MathF.FusedMultiplyAdd(result[i], result[i], lanes[i % Lanes.Count]);
        }

        float factor = 1f / MathF.Sqrt((Lanes.Fold(lanes) / row.Length) + epsilon);
        for (int i = 0; i < row.Length; i++)
            result[i] = result[i] * factor * weight[i];
        return result;
    }
}
