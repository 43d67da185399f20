using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Operations;

public sealed class LayerNormTests
{
    [Fact]
    public void LayerNorm_Row_LosesItsMeanAndItsScale()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> rows = new(context, [1f, 5f, 7f, 7f, 0f]); // [2, 2], stride 3 and 2
        using HostArray<float> weight = new(context, [1f, 0.5f]);
        using HostArray<float> output = new(context, new float[4]);
        context.LayerNorm(new LayerNormArgs { In = rows, Weight = weight, Out = output, Rows = 1, Width = 2, InStride = 3, OutStride = 2, Epsilon = 0f });
        Assert.Equal([-1f, 0.5f, 0f, 0f], output.Span.ToArray());
    }
}
