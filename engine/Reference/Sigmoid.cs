namespace MegaInfer.Engine.Reference;

/// <summary>1 / (1 + e^-x), of router scores and of the shared expert's gate.</summary>
internal static class Sigmoid
{
    public static float Of(float x) => 1f / (1f + ExpMath.Exp(-x));
}
