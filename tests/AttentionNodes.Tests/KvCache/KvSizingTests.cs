using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Tests.Scheduling;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.KvCache;

public sealed class KvSizingTests
{
    // A block costs 2 x 8 values x 4 bytes x 16 tokens = 1,024 bytes; a context of 64 tokens has 4.
    private static readonly PipelineShape Shape = new(Requests.Spec, 16, NumberType.Float32);

    [Theory]
    [InlineData(1L << 40, 8, 32)]
    [InlineData(80 * 1024, 8, 20)]
    [InlineData(1024, 8, 4)]
    public void Blocks_IsWhatIsNeededOrAffordable(long available, int sequences, int blocks) =>
        Assert.Equal(blocks, KvSizing.Blocks(Shape, sequences, available));
}
