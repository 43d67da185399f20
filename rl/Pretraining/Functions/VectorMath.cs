using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp;

namespace MegaInfer.Rl.Pretraining.Functions;

/// <summary>Loops over float spans whose lengths are multiples of 16, the widest vector. The order of every sum is fixed.</summary>
internal static class VectorMath
{
    /// <summary>The memory of a contiguous float32 CPU tensor; valid while the tensor lives.</summary>
    public static Span<float> Floats(this torch.Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);

    /// <summary>A span seen as vectors of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Span<Vector512<float>> Vectors(this Span<float> span) => MemoryMarshal.Cast<float, Vector512<float>>(span);

    /// <summary>Sum of products.</summary>
    public static float Dot(Span<float> a, Span<float> b)
    {
        Span<Vector512<float>> x = a.Vectors();
        Span<Vector512<float>> y = b.Vectors();
        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = 0; i < x.Length; i++)
            sum = Vector512.FusedMultiplyAdd(x[i], y[i], sum);
        return Vector512.Sum(sum);
    }

    /// <summary>target += factor * source.</summary>
    public static void AddScaled(Span<float> target, float factor, Span<float> source)
    {
        Span<Vector512<float>> y = target.Vectors();
        Span<Vector512<float>> x = source.Vectors();
        Vector512<float> scale = Vector512.Create(factor);
        for (int i = 0; i < y.Length; i++)
            y[i] = Vector512.FusedMultiplyAdd(scale, x[i], y[i]);
    }

    /// <summary>target = factor * source.</summary>
    public static void Scale(Span<float> target, float factor, Span<float> source)
    {
        Span<Vector512<float>> y = target.Vectors();
        Span<Vector512<float>> x = source.Vectors();
        for (int i = 0; i < y.Length; i++)
            y[i] = x[i] * factor;
    }

    /// <summary>target = weightA * a + weightB * b.</summary>
    public static void Blend(Span<float> target, float weightA, Span<float> a, float weightB, Span<float> b)
    {
        Span<Vector512<float>> y = target.Vectors();
        Span<Vector512<float>> x = a.Vectors();
        Span<Vector512<float>> z = b.Vectors();
        for (int i = 0; i < y.Length; i++)
            y[i] = (x[i] * weightA) + (z[i] * weightB);
    }
}
