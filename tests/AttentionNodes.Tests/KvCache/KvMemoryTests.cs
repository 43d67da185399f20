using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.AttentionNodes.Tests.Scheduling;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.KvCache;

public sealed class KvMemoryTests
{
    public static TheoryData<AttentionSpec, NumberType> Kinds => new()
    {
        { new GroupedAttentionSpec(6, 2, 20), NumberType.BFloat16 },
        { new GroupedAttentionSpec(6, 2, 20), NumberType.Float32 },
        { new LatentAttentionSpec(4, 0, KvRank: 36, NopeDim: 8, RopeDim: 6, ValueHeadDim: 10, ScaleFactor: 1), NumberType.BFloat16 },
        { new LatentAttentionSpec(4, 0, KvRank: 36, NopeDim: 8, RopeDim: 6, ValueHeadDim: 10, ScaleFactor: 1), NumberType.Float32 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Layer_OfEitherKind_TakesWhatTheShapeSays(AttentionSpec attention, NumberType type)
    {
        const int Blocks = 3;
        ModelSpec spec = Requests.Spec with { Attention = attention, Layers = LayerSpec.Alike(2) };
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using var memory = new KvMemory(context, spec, type, Blocks);
        var shape = new PipelineShape(spec, 16, type);
        Assert.Equal(Blocks * shape.KvBlockBytesPerLayer, memory.Layer(1).Value - memory.Layer(0).Value);
        Assert.Equal(attention.CachedWidth * type.Bytes(), shape.KvBytesPerTokenAndLayer);
    }
}
