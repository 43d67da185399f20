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
        long blockBytes = KvBlock.Bytes(1, HeadDim, isLatent: false, WeightType.F32);
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
            Keys = keys,
            Values = values,
            Cache = cache.Address,
            BlockTables = table,
            SequenceOfRow = sequence,
            Positions = positions,
            Rows = Positions,
            Stride = HeadDim,
            KvHeads = 1,
            HeadDim = HeadDim,
            KvType = WeightType.F32,
            BlockCount = 3,
            Sequences = 1,
            BlockTableStride = 2,
        });
        context.PagedAttention(new PagedAttentionArgs
        {
            Queries = queries,
            Out = output,
            Cache = cache.Address,
            BlockTables = table,
            SequenceOfRow = sequence,
            Positions = positions,
            Rows = Positions,
            QueryStride = HeadDim,
            OutStride = HeadDim,
            Heads = 1,
            KvHeads = 1,
            HeadDim = HeadDim,
            KvType = WeightType.F32,
            BlockCount = 3,
            Sequences = 1,
            BlockTableStride = 2,
            Scale = 1f,
            ValueDim = HeadDim,
        });
        for (int p = 0; p < Positions; p++)
        {
            Assert.Equal(p / 2f, output.Span[2 * p], 1e-5f);
            Assert.Equal(p, output.Span[2 * p + 1], 1e-5f);
        }
    }

    [Fact]
    public void PagedAttention_LatentWindowAndSink_AveragesTheKeysOfTheWindow()
    {
        const int KeyDim = 3;
        const int ValueDim = 2;
        const int Positions = 20;
        const int Window = 6;
        using KernelContext context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        long blockBytes = KvBlock.Bytes(1, KeyDim, isLatent: true, WeightType.F32);
        Assert.Equal(KeyDim * KvBlock.Tokens * sizeof(float), blockBytes);
        using DeviceBuffer cache = context.Allocate(2 * blockBytes);
        using HostArray<int> table = new(context, [1, 0]);
        using HostArray<int> sequence = new(context, new int[Positions]);
        using HostArray<int> positions = new(context, [.. Enumerable.Range(0, Positions)]);
        using HostArray<float> keys = new(context, [.. Enumerable.Range(0, Positions).SelectMany(p => new float[] { p, 2 * p, 7 })]);
        using HostArray<float> query = new(context, new float[KeyDim]); // all scores are 0
        using HostArray<float> sinks = new(context, [MathF.Log(2)]); // as much as two positions
        using HostArray<float> output = new(context, new float[ValueDim]);
        context.KvWrite(new KvWriteArgs
        {
            Keys = keys,
            Cache = cache.Address,
            BlockTables = table,
            SequenceOfRow = sequence,
            Positions = positions,
            Rows = Positions,
            Stride = KeyDim,
            KvHeads = 1,
            HeadDim = KeyDim,
            KvType = WeightType.F32,
            BlockCount = 2,
            Sequences = 1,
            BlockTableStride = 2,
            IsLatent = 1,
        });
        context.PagedAttention(new PagedAttentionArgs
        {
            Queries = query,
            Out = output,
            Cache = cache.Address,
            BlockTables = table,
            SequenceOfRow = sequence,
            Positions = positions.Address.Plus((Positions - 1) * sizeof(int)),
            Sinks = sinks,
            Rows = 1,
            QueryStride = KeyDim,
            OutStride = ValueDim,
            Heads = 1,
            KvHeads = 1,
            HeadDim = KeyDim,
            KvType = WeightType.F32,
            BlockCount = 2,
            Sequences = 1,
            BlockTableStride = 2,
            Scale = 1f,
            IsLatent = 1,
            ValueDim = ValueDim,
            Window = Window,
        });
        float expected = (14 + 15 + 16 + 17 + 18 + 19) / (float)(Window + 2);
        Assert.Equal([expected, 2 * expected], output.Span.ToArray(), (a, b) => MathF.Abs(a - b) < 1e-4f);
    }
}
