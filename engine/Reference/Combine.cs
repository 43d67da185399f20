namespace MegaInfer.Engine.Reference;

/// <summary>
/// The experts' rows, weighted and added to the residual: mk_combine. One chain in ascending expert, from 0, the shared expert last, then one addition.
/// </summary>
internal static class Combine
{
    /// <summary>residual [hidden] += sum of weight x row.</summary>
    public static void Forward(Span<float> residual, IReadOnlyList<(float Weight, float[] Row)> results)
    {
        for (int i = 0; i < residual.Length; i++)
        {
            float sum = 0;
            foreach ((float weight, float[] row) in results)
                sum = MathF.FusedMultiplyAdd(weight, row[i], sum);
            residual[i] += sum;
        }
    }
}
