using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Operations;

public sealed class RmsNormTests
{
    [Fact]
    public void RmsNorm_TwoGroups_NormsEachByItself()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> rows = new(context, [2f, 2f, 0f, 4f]);
        using HostArray<float> weight = new(context, [1f, 0.5f]);
        using HostArray<float> output = new(context, new float[4]);
        context.RmsNorm(new RmsNormArgs
        {
            In = rows,
            Weight = weight,
            Out = output,
            Rows = 1,
            Groups = 2,
            Width = 2,
            InStride = 4,
            OutStride = 4,
            Epsilon = 0f,
        });
        Assert.Equal([1f, 0.5f, 0f, MathF.Sqrt(2f) / 2f], output.Span.ToArray(), (a, b) => MathF.Abs(a - b) < 1e-6f);
    }
}
