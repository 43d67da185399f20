using MegaInfer.Rl.Tasks;

namespace MegaInfer.Rl.Pretraining;

/// <summary>Draws the starting values of all parameters from a seed.</summary>
public static class ParameterInitialiser
{
    private const double MatrixScale = 0.04;
    private const double EmbeddingScale = 0.05;

    /// <summary>Norm weights are 1; matrices are normal, those that write to the residual stream smaller by sqrt(2 x layers).</summary>
    public static float[] Draw(ParameterLayout layout, ulong seed)
    {
        SeededRandom random = new(seed, stream: ulong.MaxValue - 1);
        float[] values = new float[layout.Count];
        foreach (ParameterSlot slot in layout.Slots)
        {
            Span<float> target = values.AsSpan(slot.Offset, slot.Count);
            if (slot.Offset >= layout.DecayedCount)
            {
                target.Fill(1);
                continue;
            }
            bool writesResidual = slot.Name.EndsWith("output", StringComparison.Ordinal) || slot.Name.EndsWith("down", StringComparison.Ordinal);
            double scale = slot.Name == "embedding" ? EmbeddingScale : MatrixScale;
            if (writesResidual)
                scale /= Math.Sqrt(2 * layout.Shape.LayerCount);
            for (int i = 0; i < target.Length; i++)
                target[i] = (float)(scale * random.NextNormal());
        }
        return values;
    }
}
