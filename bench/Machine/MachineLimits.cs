using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using MegaInfer.Kernels;

namespace MegaInfer.Bench.Machine;

/// <summary>
/// The two roofs that every number stands under: how fast memory is read and how fast fused multiply-adds run from registers, with as many threads as the
/// measurement uses. The best of a few passes: noise only ever lowers a limit.
/// </summary>
/// <param name="ReadBytesPerSecond">From memory.</param>
/// <param name="FmaFlopPerSecond">fp32; an addition and a multiplication are two.</param>
/// <param name="BFloat16Gain">How much faster than those the kernels' instructions for bf16 weights are; 1 where they use the same.</param>
internal readonly record struct MachineLimits(double ReadBytesPerSecond, double FmaFlopPerSecond, double BFloat16Gain = 1)
{
    // Larger than any cache that this thread could own, also of a server whose last level is shared by many.
    private const int BufferFloats = 128 << 20;
    private const int Passes = 4;
    private const int FmaIterations = 20_000_000;
    private const int Chains = 12;

    internal static MachineLimits Measure(int threads, KernelBackend backend = KernelBackend.Auto)
    {
        float[][] buffers = [.. Enumerable.Range(0, threads).Select(_ => new float[BufferFloats])];
        // Pages that were never written are all one page of zeros, which any cache holds.
        foreach (float[] buffer in buffers)
            Array.Fill(buffer, 1f);
        double read = Best(threads, thread => ReadAll(buffers[thread]), (double)threads * BufferFloats * sizeof(float));
        double fma = Best(threads, _ => Multiply(), 2.0 * threads * FmaIterations * Chains * Lanes);
        using KernelContext context = KernelContext.Create(new KernelContextOptions { Backend = backend, ThreadCount = 1 });
        return new MachineLimits(read, fma, context.BFloat16Gain);
    }

    /// <summary>The higher of each.</summary>
    internal MachineLimits BestOf(MachineLimits other) =>
        new(Math.Max(ReadBytesPerSecond, other.ReadBytesPerSecond), Math.Max(FmaFlopPerSecond, other.FmaFlopPerSecond), Math.Max(BFloat16Gain, other.BFloat16Gain));

    private static int Lanes => Vector512.IsHardwareAccelerated ? Vector512<float>.Count : Vector256<float>.Count;

    // The first pass warms up and is not counted.
    private static double Best(int threads, Func<int, float> work, double amount)
    {
        double best = 0;
        for (int pass = 0; pass <= Passes; pass++)
        {
            double seconds = TimeTogether(threads, work);
            if (pass > 0)
                best = Math.Max(best, amount / seconds);
        }

        return best;
    }

    private static double TimeTogether(int threads, Func<int, float> work)
    {
        float[] sums = new float[threads];
        using var together = new Barrier(threads + 1);
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(thread => new Thread(() =>
        {
            together.SignalAndWait();
            sums[thread] = work(thread);
            together.SignalAndWait();
        })
        {
            Name = "machine limits",
            IsBackground = true,
        })];
        foreach (Thread worker in workers)
            worker.Start();
        together.SignalAndWait();
        long started = Stopwatch.GetTimestamp();
        together.SignalAndWait();
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        foreach (Thread worker in workers)
            worker.Join();
        return seconds;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float ReadAll(float[] buffer)
    {
        ref float first = ref MemoryMarshal.GetArrayDataReference(buffer);
        Vector256<float> a = default, b = default, c = default, d = default;
        for (nuint i = 0; i < (nuint)buffer.Length; i += 32)
        {
            a += Vector256.LoadUnsafe(ref first, i);
            b += Vector256.LoadUnsafe(ref first, i + 8);
            c += Vector256.LoadUnsafe(ref first, i + 16);
            d += Vector256.LoadUnsafe(ref first, i + 24);
        }

        return Vector256.Sum(a + b + c + d);
    }

    private static float Multiply() => Vector512.IsHardwareAccelerated ? Multiply512(0.5f) : Multiply256(0.5f);

    // Twelve independent chains hide the latency of the multiply-adds on two ports.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Multiply512(float factor)
    {
        Vector512<float> x = Vector512.Create(factor), one = Vector512.Create(1f);
        Vector512<float> a = one, b = one, c = one, d = one, e = one, f = one, g = one, h = one, i = one, j = one, k = one, l = one;
        for (int iteration = 0; iteration < FmaIterations; iteration++)
        {
            a = Vector512.FusedMultiplyAdd(a, x, one);
            b = Vector512.FusedMultiplyAdd(b, x, one);
            c = Vector512.FusedMultiplyAdd(c, x, one);
            d = Vector512.FusedMultiplyAdd(d, x, one);
            e = Vector512.FusedMultiplyAdd(e, x, one);
            f = Vector512.FusedMultiplyAdd(f, x, one);
            g = Vector512.FusedMultiplyAdd(g, x, one);
            h = Vector512.FusedMultiplyAdd(h, x, one);
            i = Vector512.FusedMultiplyAdd(i, x, one);
            j = Vector512.FusedMultiplyAdd(j, x, one);
            k = Vector512.FusedMultiplyAdd(k, x, one);
            l = Vector512.FusedMultiplyAdd(l, x, one);
        }

        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Multiply256(float factor)
    {
        Vector256<float> x = Vector256.Create(factor), one = Vector256.Create(1f);
        Vector256<float> a = one, b = one, c = one, d = one, e = one, f = one, g = one, h = one, i = one, j = one, k = one, l = one;
        for (int iteration = 0; iteration < FmaIterations; iteration++)
        {
            a = Vector256.FusedMultiplyAdd(a, x, one);
            b = Vector256.FusedMultiplyAdd(b, x, one);
            c = Vector256.FusedMultiplyAdd(c, x, one);
            d = Vector256.FusedMultiplyAdd(d, x, one);
            e = Vector256.FusedMultiplyAdd(e, x, one);
            f = Vector256.FusedMultiplyAdd(f, x, one);
            g = Vector256.FusedMultiplyAdd(g, x, one);
            h = Vector256.FusedMultiplyAdd(h, x, one);
            i = Vector256.FusedMultiplyAdd(i, x, one);
            j = Vector256.FusedMultiplyAdd(j, x, one);
            k = Vector256.FusedMultiplyAdd(k, x, one);
            l = Vector256.FusedMultiplyAdd(l, x, one);
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }
}
