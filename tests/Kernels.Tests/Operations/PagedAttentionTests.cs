using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Operations;

public sealed class PagedAttentionTests
{
    [Fact]
    public void PagedAttention_EqualScores_AveragesTheValuesWrittenSoFar()
    {
        const int HeadDim = 2;
        const int Positions = 20; // two blocks
        using KernelContext context = KernelContext.Create(new KernelContextOptions());
        long blockBytes = KvBlock.Bytes(1, HeadDim, WeightType.F32);
        Assert.Equal(2 * HeadDim * KvBlock.Tokens * sizeof(float), blockBytes);
        using DeviceBuffer cache = context.Allocate(3 * blockBytes);
        using HostArray<int> table = new(context, [2, 0]);
        using HostArray<int> sequence = new(context, new int[Positions]);
        using HostArray<int> positions = new(context, [.. Enumerable.Range(0, Positions)]);
        using HostArray<float> keys = new(context, new float[Positions * HeadDim]);
        float[] numbers = [.. Enumerable.Range(0, Positions).SelectMany(p => new float[] { p, 2 * p })];
        using HostArray<float> values = new(context, numbers);
        using HostArray<float> queries = new(context, numbers);
        using HostArray<float> output = new(context, new float[Positions * HeadDim]);
        context.KvWrite(new KvWriteArgs
        {
            Keys = keys, Values = values, Cache = cache.Address, BlockTables = table, SequenceOfRow = sequence, Positions = positions,
            Rows = Positions, Stride = HeadDim, KvHeads = 1, HeadDim = HeadDim, KvType = WeightType.F32, BlockCount = 3, Sequences = 1,
            BlockTableStride = 2,
        });
        context.PagedAttention(new PagedAttentionArgs
        {
            Queries = queries, Out = output, Cache = cache.Address, BlockTables = table, SequenceOfRow = sequence, Positions = positions,
            Rows = Positions, QueryStride = HeadDim, OutStride = HeadDim, Heads = 1, KvHeads = 1, HeadDim = HeadDim,
            KvType = WeightType.F32, BlockCount = 3, Sequences = 1, BlockTableStride = 2, Scale = 1f,
        });
        for (int p = 0; p < Positions; p++)
        {
            Assert.Equal(p / 2f, output.Span[2 * p], 1e-5f);
            Assert.Equal(p, output.Span[2 * p + 1], 1e-5f);
        }
    }
}
