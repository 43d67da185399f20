using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Operations;

public sealed class EmbedTests
{
    [Fact]
    public void Embed_BFloat16Table_GivesTheNamedRowsWidened()
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using HostArray<ushort> table = new(context, [0x3f80, 0x4000, 0x4040, 0xc080]); // [2, 2]: 1 2 / 3 -4
        using HostArray<int> ids = new(context, [1, 0, 1]);
        using HostArray<float> output = new(context, new float[6]);
        context.Embed(new EmbedArgs
        {
            Table = table,
            Ids = ids,
            Out = output,
            TableType = WeightType.BF16,
            Vocabulary = 2,
            Rows = 3,
            Hidden = 2,
        });
        Assert.Equal([3f, -4f, 1f, 2f, 3f, -4f], output.Span.ToArray());
    }
}
