using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Operations;

public sealed class ClampTests
{
    [Fact]
    public void Clamp_PartOfEachRow_LeavesTheRest()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<float> rows = new(context, [-3f, 1f, 9f, 3f, -2f, 9f]);
        context.Clamp(new ClampArgs { RowsData = rows, Rows = 2, Width = 2, Stride = 3, Limit = 2f });
        Assert.Equal([-2f, 1f, 9f, 2f, -2f, 9f], rows.Span.ToArray());
    }
}
