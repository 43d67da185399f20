using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.ExpertNodes.Layers;
using MegaInfer.ExpertNodes.Weights;
using Xunit;

namespace MegaInfer.ExpertNodes.Tests.Layers;

public sealed class GroupedFfnTests(TestModel model) : IClassFixture<TestModel>
{
    private const int RowBytes = TestModel.Hidden * sizeof(float);

    [Fact]
    public void Forward_MergedPieces_GivesTheBitsOfEachPieceAlone()
    {
        var random = new Random(7);
        using ExpertWeights weights = model.Load(model.Context, 0, 2, 3, 6);
        using var table = new PairTable(model.Context, weights.Experts, 256, RowBytes, RowBytes);
        TestPiece[] pieces = [.. Enumerable.Range(1, 3).Select(rows => TestPiece.Make(model.Context, TestModel.Hidden, 5 * rows, [0, 3, 6], random))];
        for (int layer = 0; layer < TestModel.Layers; layer++)
        {
            PairTableTests.Merge(table, pieces);
            weights.Layers[layer]!.Forward(table);
            float[][] together = [.. pieces.SelectMany(Results)];
            foreach (TestPiece piece in pieces)
            {
                PairTableTests.Merge(table, [piece]);
                weights.Layers[layer]!.Forward(table);
            }

            Assert.Equal(pieces.SelectMany(Results), together);
        }
    }

    [Fact]
    public void Forward_OneRow_ComputesSwigluOfTheCheckpointsWeights()
    {
        var random = new Random(3);
        const int layer = 1, expert = 5;
        using ExpertWeights weights = model.Load(model.Context, 1, expert);
        using var table = new PairTable(model.Context, weights.Experts, 4, RowBytes, RowBytes);
        using TestPiece piece = TestPiece.Make(model.Context, TestModel.Hidden, 1, [expert], random);
        PairTableTests.Merge(table, [piece]);
        weights.Layers[layer]!.Forward(table);

        double[] expected = Swiglu(model.Checkpoint, layer, new ExpertId(expert), piece.Row(0).HostSpan<float>(TestModel.Hidden).ToArray());
        float[] actual = piece.ResultRow(0);
        for (int i = 0; i < actual.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-5);
    }

    [Fact]
    public void Forward_NoPairs_DoesNothing()
    {
        using ExpertWeights weights = model.Load(model.Context, 4);
        using var table = new PairTable(model.Context, weights.Experts, 4, RowBytes, RowBytes);
        PairTableTests.Merge(table, []);
        weights.Layers[0]!.Forward(table);
    }

    private static IEnumerable<float[]> Results(TestPiece piece) => Enumerable.Range(0, piece.RowOfPair.Length).Select(piece.ResultRow);

    private static double[] Swiglu(Checkpoint checkpoint, int layer, ExpertId expert, float[] row)
    {
        ExpertMatrices matrices = checkpoint.Layer(layer).Expert(expert);
        double[] gate = Times(matrices.Gate, row);
        double[] up = Times(matrices.Up, row);
        float[] inner = [.. gate.Zip(up, (g, u) => (float)(g / (1 + Math.Exp(-g)) * u))];
        return Times(matrices.Down, inner);
    }

    // Beside bf16 weights a row is rounded.
    private static double[] Times(MatrixView matrix, float[] row)
    {
        float[] values = matrix.ToFloat32();
        return [.. Enumerable.Range(0, matrix.Rows).Select(i => row.Select((x, j) => (double)BFloat16.Round(x) * values[(i * row.Length) + j]).Sum())];
    }
}
