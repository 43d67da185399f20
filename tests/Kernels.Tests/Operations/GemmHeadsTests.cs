using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Operations;

public sealed class GemmHeadsTests
{
    [Fact]
    public void GemmHeads_TwoHeads_EachMeetsItsOwnMatrix()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> matrices = new(context, [1f, 2f, 3f, 4f, 5f, 6f, 7f, 8f]); // two of [2, 2]
        MatrixSource[] heads = [new(matrices, WeightType.F32, 2), new(matrices.Address.Plus(4 * sizeof(float)), WeightType.F32, 2)];
        using PackedHeads weights = context.PackHeads(heads, 2, WeightType.F32);
        Assert.Equal((2, 2, 2), (weights.Count, weights.Rows, weights.Columns));
        using HostArray<float> rows = new(context, [1f, 10f, 0f, 1f, 1f, 0f]); // heads of 2 at distance 3
        using HostArray<float> output = new(context, new float[6]);
        context.GemmHeads(weights, new GemmHeadsArgs
        {
            In = rows,
            Out = output,
            Rows = 1,
            InStride = 6,
            InHeadStride = 3,
            OutStride = 6,
            OutHeadStride = 3,
        });
        Assert.Equal([21f, 43f, 0f, 11f, 15f, 0f], output.Span.ToArray());
    }

    [Fact]
    public void PackHeads_OneThatCannotBePacked_ThrowsOneSentence()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> matrix = new(context, new float[4]);
        MatrixSource[] heads = [new(matrix, WeightType.F32, 2), new(matrix, WeightType.F32, 0)];
        Assert.Throws<KernelException>(() => context.PackHeads(heads, 2, WeightType.F32));
    }
}
