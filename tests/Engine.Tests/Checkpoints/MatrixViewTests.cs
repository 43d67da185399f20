using CsCheck;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>Views against the raw tensors, element by element, by the layouts' definitions.</summary>
public sealed class MatrixViewTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Expert_OfDbrx_IsBelowTheOthersWithDownTransposed()
    {
        using Checkpoint checkpoint = Open(FamilyShapes.Of("dbrx"));
        (int hidden, int width) = (checkpoint.Spec.HiddenSize, checkpoint.Spec.Experts.Width);
        float[] gates = Raw(checkpoint, "transformer.blocks.1.ffn.experts.mlp.w1");
        float[] ups = Raw(checkpoint, "transformer.blocks.1.ffn.experts.mlp.v1");
        float[] downs = Raw(checkpoint, "transformer.blocks.1.ffn.experts.mlp.w2");

        for (int expert = 0; expert < checkpoint.Spec.Router.ExpertCount; expert++)
        {
            int first = expert * width;
            ExpertMatrices matrices = checkpoint.Layer(1).Expert(new ExpertId(expert));
            AssertMatrix(matrices.Gate, (row, column) => gates[((first + row) * hidden) + column]);
            AssertMatrix(matrices.Up, (row, column) => ups[((first + row) * hidden) + column]);
            AssertMatrix(matrices.Down, (row, column) => downs[((first + column) * hidden) + row]);
        }
    }

    [Fact]
    public void Expert_OfGptOss_TakesTurnsWithGateFirstAndIsTransposed()
    {
        using Checkpoint checkpoint = Open(FamilyShapes.Of("gpt_oss"));
        (int hidden, int width) = (checkpoint.Spec.HiddenSize, checkpoint.Spec.Experts.Width);
        float[] gateUp = Raw(checkpoint, "model.layers.2.mlp.experts.gate_up_proj");
        float[] gateUpBias = Raw(checkpoint, "model.layers.2.mlp.experts.gate_up_proj_bias");
        float[] down = Raw(checkpoint, "model.layers.2.mlp.experts.down_proj");
        float[] downBias = Raw(checkpoint, "model.layers.2.mlp.experts.down_proj_bias");

        for (int expert = 0; expert < checkpoint.Spec.Router.ExpertCount; expert++)
        {
            int first = expert;
            ExpertMatrices matrices = checkpoint.Layer(2).Expert(new ExpertId(expert));
            AssertMatrix(matrices.Gate, (row, column) => gateUp[(((first * hidden) + column) * 2 * width) + (2 * row)]);
            AssertMatrix(matrices.Up, (row, column) => gateUp[(((first * hidden) + column) * 2 * width) + (2 * row) + 1]);
            AssertMatrix(matrices.Down, (row, column) => down[(((first * width) + column) * hidden) + row]);
            Assert.Equal(Enumerable.Range(0, width).Select(row => gateUpBias[(first * 2 * width) + (2 * row)]), matrices.GateBias);
            Assert.Equal(Enumerable.Range(0, width).Select(row => gateUpBias[(first * 2 * width) + (2 * row) + 1]), matrices.UpBias);
            Assert.Equal(downBias.Skip(first * hidden).Take(hidden), matrices.DownBias);
        }
    }

    [Fact]
    public void Expert_OfGptOssIn4Bits_IsTheCodesTimesTheirPowersOfTwo()
    {
        using Checkpoint checkpoint = Open(FamilyShapes.Of("gpt_oss") with { Quantized = NumberType.MxFloat4, ExpertWidth = 96 });
        (int hidden, int width) = (checkpoint.Spec.HiddenSize, checkpoint.Spec.Experts.Width);
        Func<int, int, int, float> gateUp = MxFloat4(checkpoint, "model.layers.0.mlp.experts.gate_up_proj", 2 * width, hidden);
        Func<int, int, int, float> down = MxFloat4(checkpoint, "model.layers.0.mlp.experts.down_proj", hidden, width);

        for (int expert = 0; expert < checkpoint.Spec.Router.ExpertCount; expert++)
        {
            int index = expert;
            ExpertMatrices matrices = checkpoint.Layer(0).Expert(new ExpertId(expert));
            AssertMatrix(matrices.Gate, (row, column) => gateUp(index, 2 * row, column));
            AssertMatrix(matrices.Up, (row, column) => gateUp(index, (2 * row) + 1, column));
            AssertMatrix(matrices.Down, (row, column) => down(index, row, column));
            Assert.Equal(0, matrices.Up.Offset % 2); // a byte has two numbers; kernels start at whole ones
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(NumberType.Float8E4M3)]
    public void LatentUpProjection_OfAHead_IsItsKeyRowsTransposedAndItsValueRows(NumberType? quantized)
    {
        var latent = new RandomLatentOptions { KvRank = 200, NopeDim = 40, ValueHeadDim = 56, RopeDim = 8, QueryRank = 0 };
        using Checkpoint checkpoint = Open(FamilyShapes.Of("deepseek_v3") with { Latent = latent, HeadCount = 5, Quantized = quantized });
        CheckpointTensor tensor = checkpoint.Tensor("model.layers.1.self_attn.kv_b_proj.weight");
        float[] raw = new float[tensor.Elements];
        tensor.CopyTo(0, raw);
        if (quantized is not null)
            Multiply(raw, 200, tensor.Scales!);

        for (int head = 0; head < 5; head++)
        {
            int first = head * (40 + 56);
            AssertMatrix(checkpoint.Layer(1).QueryAbsorb(head), (row, column) => raw[((first + column) * 200) + row]);
            AssertMatrix(checkpoint.Layer(1).ValueUp(head), (row, column) => raw[((first + 40 + row) * 200) + column]);
        }
    }

    [Fact]
    public void Slice_AndTransposed_InAnyOrder_SeeTheSameElements()
    {
        using Checkpoint checkpoint = Open(FamilyShapes.Of("mixtral") with { HiddenSize = 300, HeadDim = 150, Quantized = NumberType.Float8E4M3, LayerCount = 1 });
        MatrixView whole = checkpoint.Layer(0).Output(); // [300, 600]: blocks of 128 fit neither
        float[] all = whole.ToFloat32();

        Gen.Int[0, 299].SelectMany(first => Gen.Int[1, 300 - first].Select(rows => (first, rows)))
            .Select(Gen.Int[0, 599].SelectMany(first => Gen.Int[1, 600 - first].Select(rows => (first, rows))))
            .Sample(
                (rows, columns) =>
                {
                    MatrixView part = whole.Slice(rows.first, rows.rows).Transposed().Slice(columns.first, columns.rows);
                    AssertMatrix(part, (row, column) => all[((rows.first + column) * 600) + columns.first + row]);
                    AssertMatrix(part.Transposed(), (row, column) => all[((rows.first + row) * 600) + columns.first + column]);
                },
                iter: 40,
                threads: 1);
    }

    private Checkpoint Open(RandomModelOptions options)
    {
        RandomCheckpoint.Write(_folder.Path, options);
        return Checkpoint.Open(_folder.Path);
    }

    private static float[] Raw(Checkpoint checkpoint, string name) => checkpoint.Tensor(name).ToFloat32();

    private static void AssertMatrix(MatrixView view, Func<int, int, float> expected)
    {
        float[] actual = view.ToFloat32();
        for (int row = 0; row < view.Rows; row++)
        {
            for (int column = 0; column < view.Columns; column++)
                Assert.True(expected(row, column).Equals(actual[(row * view.Columns) + column]), $"({row}, {column}): {expected(row, column)} and {actual[(row * view.Columns) + column]}");
        }
    }

    /// <summary>Elements of [experts, rows, columns] stored as pairs and exponents.</summary>
    private static Func<int, int, int, float> MxFloat4(Checkpoint checkpoint, string name, int rows, int columns)
    {
        float[] magnitudes = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6];
        byte[] pairs = Bytes(checkpoint.Tensor(name + "_blocks"));
        byte[] exponents = Bytes(checkpoint.Tensor(name + "_scales"));
        return (expert, row, column) =>
        {
            int index = (((expert * rows) + row) * columns) + column;
            int code = (pairs[index / 2] >> (index % 2 * 4)) & 0xF;
            double value = magnitudes[code & 7] * Math.Pow(2, exponents[index / 32] - 127);
            return (float)(code >= 8 ? -value : value);
        };
    }

    private static byte[] Bytes(CheckpointTensor tensor) => tensor.Address.HostSpan<byte>((int)tensor.Bytes).ToArray();

    private static void Multiply(float[] values, int columns, CheckpointTensor scales)
    {
        float[] factors = scales.ToFloat32();
        for (int i = 0; i < values.Length; i++)
            values[i] *= factors[(i / columns / 128 * scales.Shape[1]) + (i % columns / 128)];
    }
}
