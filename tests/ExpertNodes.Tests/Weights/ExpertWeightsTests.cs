using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using MegaInfer.ExpertNodes.Layers;
using MegaInfer.ExpertNodes.Pipeline;
using MegaInfer.ExpertNodes.Weights;
using MegaInfer.Kernels;
using MegaInfer.M2N;
using Xunit;

namespace MegaInfer.ExpertNodes.Tests.Weights;

public sealed class ExpertWeightsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("megainfer-expert-weights-").FullName;
    private readonly KernelContext _context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });

    public void Dispose()
    {
        _context.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Checkpoint Write(RandomModelOptions options)
    {
        string folder = Path.Combine(_folder, options.Family);
        RandomCheckpoint.Write(folder, options with { HiddenSize = TestModel.Hidden, ExpertCount = TestModel.Experts, LayerCount = TestModel.Layers });
        return Checkpoint.Open(folder);
    }

    private ExpertWeights Load(Checkpoint checkpoint, NumberType? type, params int[] experts) =>
        ExpertWeights.Load(checkpoint, TestModel.Hold(experts), _context, new ExpertWeightsOptions(type));

    [Fact]
    public void Load_StackedFourBitExperts_KeepTheirWidthAndTheirBits()
    {
        using Checkpoint checkpoint = Write(new RandomModelOptions { Family = "gpt_oss", ExpertWidth = 96, Quantized = NumberType.MxFloat4 });
        using ExpertWeights stored = Load(checkpoint, null, 1, 5);
        using ExpertWeights widened = Load(checkpoint, NumberType.Float32, 1, 5);
        Assert.Equal([NumberType.MxFloat4], stored.Types);
        Assert.Equal([NumberType.Float32], widened.Types);
        Assert.InRange(stored.Bytes, 1, widened.Bytes / 5);
        for (int layer = 0; layer < TestModel.Layers; layer++)
            Assert.Equal(Forward(widened, layer), Forward(stored, layer));
    }

    [Fact]
    public void Load_NoExperts_SaysTheSameTypeAsTheOthers()
    {
        using Checkpoint checkpoint = Write(new RandomModelOptions { Family = "gpt_oss", ExpertWidth = 96, Quantized = NumberType.MxFloat4 });
        using ExpertWeights weights = Load(checkpoint, null);
        Assert.Equal([NumberType.MxFloat4], weights.Types);
    }

    [Fact]
    public void Load_DenseLayers_HoldNothing()
    {
        using Checkpoint checkpoint = Write(new RandomModelOptions { Family = "deepseek_v3", DenseLayers = 2 });
        using ExpertWeights weights = Load(checkpoint, null, TestModel.All);
        Assert.Equal([true, true, false], weights.Layers.Select(layer => layer is null));
    }

    [Fact]
    public void Loop_RowsForADenseLayer_AreRefusedAndTheOthersComputed()
    {
        using Checkpoint checkpoint = Write(new RandomModelOptions { Family = "deepseek_v3", DenseLayers = 1 });
        using ExpertWeights weights = Load(checkpoint, null, TestModel.All);
        using M2NEndpoint endpoint = TestEndpoint.Receiver();
        using var node = new ExpertNode("expert node under test", weights, _context, endpoint, new ExpertNodeOptions(TestEndpoint.Sizes, new GatherPolicy()));
        node.Start();
        using var context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
        using var sender = new FakeSender(0, endpoint.Address);
        using TestPiece piece = TestPiece.Make(context, TestModel.Hidden, 3, [2], new Random(1));
        Assert.Equal(M2NStatus.Misplaced, sender.Collect(sender.Send(0, layer: 0, piece, 3)).Status);
        Assert.Equal(M2NStatus.Ok, sender.Collect(sender.Send(0, layer: 1, piece, 3)).Status);
    }

    private float[][] Forward(ExpertWeights weights, int layer)
    {
        int rowBytes = TestModel.Hidden * sizeof(float);
        using var table = new PairTable(_context, weights.Experts, 64, rowBytes, rowBytes);
        using TestPiece piece = TestPiece.Make(_context, TestModel.Hidden, 3, [1, 5], new Random(layer));
        Layers.PairTableTests.Merge(table, [piece]);
        weights.Layers[layer]!.Forward(table);
        return [.. Enumerable.Range(0, piece.RowOfPair.Length).Select(piece.ResultRow)];
    }
}
