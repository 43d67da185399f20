namespace MegaInfer.Engine.Reference;

/// <summary>Numbers beyond a limit become the limit: mk_clamp.</summary>
internal static class Clamp
{
    /// <summary>In place, to -limit..limit; what is not a number stays.</summary>
    public static void Forward(Span<float> row, float limit)
    {
        for (int i = 0; i < row.Length; i++)
        {
            if (row[i] < -limit)
                row[i] = -limit;
            else if (row[i] > limit)
                row[i] = limit;
        }
    }
}
