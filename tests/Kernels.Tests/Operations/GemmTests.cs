using CsCheck;
using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Operations;

public sealed class GemmTests
{
    [Fact]
    public void Gemm_SmallMatrix_GivesTheProduct()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> matrix = new(context, [1f, 2f, 3f, 4f, 5f, 6f]); // [3, 2]
        using PackedWeight weight = context.PackWeight([new MatrixSource(matrix, WeightType.F32, 3)], 2, WeightType.BF16);
        using HostArray<float> rows = new(context, [10f, 1f]);
        using HostArray<float> bias = new(context, [0.5f, 0f, 0f]);
        using HostArray<float> output = new(context, new float[3]);
        context.Gemm(weight, new GemmArgs { In = rows, Bias = bias, Out = output, Rows = 1, InStride = 2, OutStride = 3 });
        Assert.Equal([12.5f, 34f, 56f], output.Span.ToArray());
        Assert.Equal((3, 2), (weight.Rows, weight.Columns));
    }

    [Fact]
    public void Gemm_RowsAloneOrTogetherAnyThreadsAnyBackend_SameBits() =>
        Gen.Select(Gen.Int[1, 20], Gen.Int[1, 70], Gen.Int[1, 90], Gen.Int[1, 4], Gen.Int[0, int.MaxValue]).Sample(
            (rows, inputs, outputs, threads, seed) =>
            {
                using KernelContext one = KernelContext.Create(
                    new KernelContextOptions { Backend = KernelBackend.Reference, ThreadCount = 1 });
                using KernelContext many = KernelContext.Create(new KernelContextOptions { ThreadCount = threads });
                float[] matrix = Values(seed, inputs * outputs);
                float[] activations = Values(seed ^ 1, rows * inputs);
                int[] expected = [.. Enumerable.Range(0, rows).SelectMany(r =>
                    Multiply(one, matrix, activations.AsSpan(r * inputs, inputs), 1, inputs, outputs))];
                Assert.Equal(expected, Multiply(many, matrix, activations, rows, inputs, outputs));
            },
            iter: 60, threads: 1);

    private static int[] Multiply(KernelContext context, float[] matrix, ReadOnlySpan<float> rows, int count, int inputs, int outputs)
    {
        using HostArray<float> source = new(context, matrix);
        using PackedWeight weight = context.PackWeight([new MatrixSource(source, WeightType.F32, outputs)], inputs, WeightType.BF16);
        using HostArray<float> activations = new(context, rows);
        using HostArray<float> output = new(context, new float[count * outputs]);
        context.Gemm(weight, new GemmArgs { In = activations, Out = output, Rows = count, InStride = inputs, OutStride = outputs });
        return [.. output.Span.ToArray().Select(BitConverter.SingleToInt32Bits)];
    }

    private static float[] Values(int seed, int count)
    {
        uint state = (uint)seed * 2654435761u + 1;
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            state = state * 1664525u + 1013904223u;
            values[i] = (int)(state >> 8) / 8388608f - 1f;
        }
        return values;
    }
}
