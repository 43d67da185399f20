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

    /// <summary>
    /// e^x to about one part in 10^7; below -87 the result is that of -87. The library's own vector exponential leaves its fast path for any
    /// argument of large magnitude, which padding makes common here.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        x = Vector512.Min(Vector512.Max(x, Vector512.Create(-87f)), Vector512.Create(88f));
        Vector512<float> power = Vector512.Floor(Vector512.FusedMultiplyAdd(x, Vector512.Create(1.442695041f), Vector512.Create(0.5f)));
        // ln 2 in two parts keeps the remainder exact
        Vector512<float> rest = Vector512.FusedMultiplyAdd(power, Vector512.Create(-0.693359375f), x);
        rest = Vector512.FusedMultiplyAdd(power, Vector512.Create(2.12194440e-4f), rest);
        Vector512<float> sum = Vector512.Create(1.9875691500e-4f);
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(1.3981999507e-3f));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(8.3334519073e-3f));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(4.1665795894e-2f));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(1.6666665459e-1f));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(5.0000001201e-1f));
        sum = Vector512.FusedMultiplyAdd(sum, rest * rest, rest + Vector512<float>.One);
        return sum * ((Vector512.ConvertToInt32(power) + Vector512.Create(127)) << 23).AsSingle();
    }
}
