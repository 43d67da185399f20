namespace MegaInfer.Engine.Reference;

/// <summary>The kernels' fixed order of a sum: element i goes to lane i mod 16, then the lanes fold 8+8, 4+4, 2+2, 1+1.</summary>
internal static class Lanes
{
    public const int Count = 16;

    /// <summary>Folds the sixteen lanes, which are overwritten.</summary>
    public static float Fold(Span<float> lanes)
    {
        for (int width = Count / 2; width >= 1; width /= 2)
        {
            for (int i = 0; i < width; i++)
                lanes[i] += lanes[i + width];
        }

        return lanes[0];
    }

    /// <summary>Folds the sixteen lanes, which are overwritten.</summary>
    public static double Fold(Span<double> lanes)
    {
        for (int width = Count / 2; width >= 1; width /= 2)
        {
            for (int i = 0; i < width; i++)
                lanes[i] += lanes[i + width];
        }

        return lanes[0];
    }
}
