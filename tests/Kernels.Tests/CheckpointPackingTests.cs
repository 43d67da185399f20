using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests;

/// <summary>Matrices from where a checkpoint has them: strided, transposed, interleaved, quantised.</summary>
public sealed class CheckpointPackingTests : IDisposable
{
    private readonly CheckpointFolder _folder = new(threads: 1);

    private KernelContext Context => _folder.Context;

    public void Dispose() => _folder.Dispose();

    // Heads of 96 + 32 rows: each lies in one block of 128. Of 80 + 32: the second does not.
    private Checkpoint Float8(int nopeDim) => _folder.Write(new RandomModelOptions
    {
        Family = "deepseek_v3",
        HiddenSize = 160,
        HeadCount = 2,
        Latent = new RandomLatentOptions { KvRank = 144, NopeDim = nopeDim, ValueHeadDim = 32 },
        Quantized = NumberType.Float8E4M3,
    });

    [Theory]
    [InlineData(NumberType.BFloat16, null, WeightType.BF16)]
    [InlineData(NumberType.Float32, null, WeightType.F32)]
    [InlineData(NumberType.Float16, null, WeightType.F32)]
    [InlineData(NumberType.Float32, NumberType.BFloat16, WeightType.BF16)]
    [InlineData(NumberType.BFloat16, NumberType.Float32, WeightType.F32)]
    public void PackedType_PlainMatrix_IsWantedOrStored(NumberType stored, NumberType? wanted, WeightType packed)
    {
        using Checkpoint checkpoint = _folder.Write(new RandomModelOptions { NumberType = stored });
        Assert.Equal(packed, CheckpointPacking.PackedType([checkpoint.Layer(0).Output()], wanted));
    }

    [Fact]
    public void Pack_Float8_KeepsItsWidthAndMultipliesAsTheCheckpointSays()
    {
        using Checkpoint checkpoint = Float8(nopeDim: 96);
        MatrixView view = checkpoint.Layer(0).KvDown();
        using PackedWeight packed = Context.Pack([view], null);
        using PackedWeight widened = Context.Pack([view], NumberType.Float32);
        Assert.Equal((WeightType.F8E4M3, WeightType.F32), (packed.Type, widened.Type));
        Assert.InRange(packed.Bytes, 1, widened.Bytes / 3);
        Assert.Equal(Product(view), Product(packed));
        Assert.Equal(Product(view), Product(widened));
    }

    [Theory]
    [InlineData(96, WeightType.F8E4M3)]
    [InlineData(80, WeightType.F32)]
    public void PackHeads_Float8_IsWidenedWhereBlocksBeginInsideAHead(int nopeDim, WeightType type)
    {
        using Checkpoint checkpoint = Float8(nopeDim);
        MatrixView[] heads = [.. Enumerable.Range(0, 2).Select(checkpoint.Layer(0).QueryAbsorb)];
        using PackedHeads packed = Context.PackHeads(heads, null);
        Assert.Equal((type, 144, nopeDim), (packed.Type, packed.Rows, packed.Columns));
        float[] row = Row(2 * nopeDim);
        using HostArray<float> input = new(Context, row);
        using HostArray<float> output = new(Context, new float[2 * 144]);
        Context.GemmHeads(packed, new GemmHeadsArgs
        {
            In = input,
            Out = output,
            Rows = 1,
            InStride = 2 * nopeDim,
            InHeadStride = nopeDim,
            OutStride = 2 * 144,
            OutHeadStride = 144,
        });
        Assert.Equal([.. Product(heads[0], row.AsSpan(0, nopeDim)), .. Product(heads[1], row.AsSpan(nopeDim))], output.Span.ToArray());
    }

    [Fact]
    public void PackExperts_FourBitsInterleavedWithBiases_KeepsItsWidthAndComputesLikeTheWidened()
    {
        using Checkpoint checkpoint = _folder.Write(new RandomModelOptions
        {
            Family = "gpt_oss",
            HiddenSize = 96,
            ExpertWidth = 64,
            Quantized = NumberType.MxFloat4,
        });
        ExpertMatrices[] experts = [checkpoint.Layer(1).Expert(new ExpertId(3))];
        Assert.NotNull(experts[0].GateBias);
        WeightType type = CheckpointPacking.PackedType([experts[0].Gate], null);
        using PackedExperts packed = Context.PackExperts(experts, checkpoint.Spec.Experts, 96, type);
        using PackedExperts widened = Context.PackExperts(experts, checkpoint.Spec.Experts, 96, WeightType.F32);
        Assert.Equal(WeightType.MxFp4, packed.Type);
        Assert.InRange(packed.Bytes, 1, widened.Bytes / 5);
        Assert.Equal(Visit(widened), Visit(packed));
    }

    private static float[] Row(int width) => [.. Enumerable.Range(0, width).Select(i => MathF.Sin(i + 1))];

    private static float[] Product(MatrixView matrix) => Product(matrix, Row(matrix.Columns));

    private static float[] Product(MatrixView matrix, ReadOnlySpan<float> row)
    {
        float[] weights = matrix.ToFloat32();
        float[] result = new float[matrix.Rows];
        for (int r = 0; r < matrix.Rows; r++)
        {
            for (int c = 0; c < matrix.Columns; c++)
                result[r] = MathF.FusedMultiplyAdd(row[c], weights[(r * matrix.Columns) + c], result[r]);
        }

        return result;
    }

    private float[] Product(PackedWeight weight)
    {
        using HostArray<float> input = new(Context, Row(weight.Columns));
        using HostArray<float> output = new(Context, new float[weight.Rows]);
        Context.Gemm(weight, new GemmArgs { In = input, Out = output, Rows = 1, InStride = weight.Columns, OutStride = weight.Rows });
        return output.Span.ToArray();
    }

    private float[] Visit(PackedExperts experts)
    {
        using HostArray<float> input = new(Context, Row(experts.Hidden));
        using HostArray<float> output = new(Context, new float[experts.Hidden]);
        using HostArray<int> offsets = new(Context, [0, 1]);
        using HostArray<nint> rows = new(Context, [input.Address.Value]);
        using HostArray<nint> outputs = new(Context, [output.Address.Value]);
        Context.GroupedFfn(experts, new GroupedFfnArgs { Offsets = offsets, RowOfPair = rows, OutOfPair = outputs, Pairs = 1 });
        return output.Span.ToArray();
    }
}
