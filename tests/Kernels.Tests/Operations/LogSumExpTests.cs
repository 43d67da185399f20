using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Operations;

public sealed class LogSumExpTests
{
    [Fact]
    public void LogSumExp_EqualLogits_IsTheLogarithmOfTheirCount()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> logits = new(context, [5f, 5f, 5f, 5f, 0f, 7f, 7f, -100f, -100f, 0f]); // [2, 4], stride 5
        using HostArray<float> maximum = new(context, new float[2]);
        using HostArray<double> sums = new(context, new double[2]);
        context.LogSumExp(new LogSumExpArgs { Logits = logits, Maximum = maximum, LogSumExp = sums, Rows = 2, Vocabulary = 4, Stride = 5 });
        Assert.Equal([5f, 7f], maximum.Span.ToArray());
        Assert.Equal([5 + Math.Log(4), 7 + Math.Log(2)], sums.Span.ToArray(), (a, b) => Math.Abs(a - b) < 1e-12);
    }
}
