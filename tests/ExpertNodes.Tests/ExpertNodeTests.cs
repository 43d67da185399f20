using MegaInfer.Engine;
using MegaInfer.ExpertNodes.Layers;
using MegaInfer.ExpertNodes.Pipeline;
using MegaInfer.ExpertNodes.Tests.Layers;
using MegaInfer.ExpertNodes.Weights;
using MegaInfer.Kernels;
using MegaInfer.M2N;
using Xunit;

namespace MegaInfer.ExpertNodes.Tests;

/// <summary>The node's own loop and thread over the loopback transport, with senders that are nothing but endpoints.</summary>
public sealed class ExpertNodeTests : IClassFixture<TestModel>, IDisposable
{
    private static readonly GatherPolicy LongWindow = new(Share: 1e6);

    private readonly TestModel _model;
    private readonly KernelContext _context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
    private readonly M2NEndpoint _endpoint = TestEndpoint.Receiver();
    private readonly ExpertWeights _weights;
    private ExpertNode? _node;

    public ExpertNodeTests(TestModel model)
    {
        _model = model;
        _weights = model.Load(_context, 0, 2, 3, 6);
    }

    private ExpertNodeMetrics Metrics => _node!.Metrics;

    public void Dispose()
    {
        _node?.Dispose();
        _endpoint.Dispose();
        _weights.Dispose();
        _context.Dispose();
    }

    [Fact]
    public void Loop_TwoSendersAndEverySlot_ReturnsTheBitsOfADirectCall()
    {
        Start(new GatherPolicy());
        var random = new Random(11);
        using var first = new FakeSender(0, _endpoint.Address);
        using var second = new FakeSender(1, _endpoint.Address);
        int pieces = 0;
        for (int layer = 0; layer < TestModel.Layers; layer++)
        {
            var sent = new List<(FakeSender Sender, DispatchTicket Ticket, TestPiece Piece)>();
            for (int slot = 0; slot < TestEndpoint.Slots; slot++)
            {
                foreach (FakeSender sender in new[] { first, second })
                {
                    int rows = random.Next(1, TestEndpoint.MaxRows + 1);
                    TestPiece piece = TestPiece.Make(_model.Context, TestModel.Hidden, rows, [0, 2, 3, 6], random);
                    sent.Add((sender, sender.Send(slot, layer, piece, rows), piece));
                    pieces++;
                }
            }

            foreach ((FakeSender sender, DispatchTicket ticket, TestPiece piece) in sent)
            {
                (M2NStatus status, float[][] rows) = sender.Collect(ticket);
                Assert.Equal(M2NStatus.Ok, status);
                Assert.Equal(Direct(layer, piece), rows);
                piece.Dispose();
            }
        }

        WaitFor(() => Metrics.Pieces == pieces);
        Assert.Equal(Metrics.Pairs * TestModel.Hidden * sizeof(float), Metrics.ReturnedBytes);
        Assert.Equal(Metrics.Rows * TestModel.Hidden * sizeof(float), Metrics.DispatchedBytes);
        Assert.InRange(Metrics.ComputeNs, 1, long.MaxValue);
    }

    [Fact]
    public void Loop_ExpertThatIsElsewhere_RefusesThatPieceOnly()
    {
        Start(LongWindow);
        var random = new Random(5);
        using var right = new FakeSender(0, _endpoint.Address);
        using var wrong = new FakeSender(1, _endpoint.Address);
        for (int layer = 0; layer < TestModel.Layers; layer++)
        {
            using TestPiece good = TestPiece.Make(_model.Context, TestModel.Hidden, 4, [0, 6], random);
            using TestPiece bad = TestPiece.Make(_model.Context, TestModel.Hidden, 4, [0, 5], random);
            DispatchTicket badTicket = wrong.Send(0, layer, bad, 4);
            DispatchTicket goodTicket = right.Send(0, layer, good, 4);
            Assert.Equal(M2NStatus.Misplaced, wrong.Collect(badTicket).Status);
            (M2NStatus status, float[][] rows) = right.Collect(goodTicket);
            Assert.Equal(M2NStatus.Ok, status);
            Assert.Equal(Direct(layer, good), rows);
        }

        WaitFor(() => Metrics.MisplacedPieces == TestModel.Layers && Metrics.Pieces == TestModel.Layers);
    }

    [Fact]
    public void Loop_WeightVersionThatIsNotHere_IsRefused()
    {
        Start(new GatherPolicy());
        using var sender = new FakeSender(0, _endpoint.Address);
        using TestPiece piece = TestPiece.Make(_model.Context, TestModel.Hidden, 3, [2], new Random(1));
        Assert.Equal(M2NStatus.VersionMissing, sender.Collect(sender.Send(0, 0, piece, 3, new WeightVersion(9))).Status);
        Assert.Equal(M2NStatus.Ok, sender.Collect(sender.Send(0, 0, piece, 3)).Status);
        WaitFor(() => Metrics.VersionMissingPieces == 1 && Metrics.Pieces == 1);
    }

    [Fact]
    public void Loop_SendersInPhase_ShareAReadingOfTheWeights()
    {
        Start(LongWindow);
        var random = new Random(2);
        using var first = new FakeSender(0, _endpoint.Address);
        using var second = new FakeSender(1, _endpoint.Address);
        for (int turn = 0; turn < 4 * TestModel.Layers; turn++)
        {
            int layer = turn % TestModel.Layers;
            using TestPiece one = TestPiece.Make(_model.Context, TestModel.Hidden, 2, [0, 3], random);
            using TestPiece two = TestPiece.Make(_model.Context, TestModel.Hidden, 2, [0, 3], random);
            DispatchTicket firstTicket = first.Send(0, layer, one, 2);
            DispatchTicket secondTicket = second.Send(0, layer, two, 2);
            Assert.Equal(M2NStatus.Ok, first.Collect(firstTicket).Status);
            Assert.Equal(M2NStatus.Ok, second.Collect(secondTicket).Status);
        }

        WaitFor(() => Metrics.Pieces == 8 * TestModel.Layers);
        Assert.InRange(Metrics.GatheredBatches, 1, Metrics.Batches);
        Assert.True(Metrics.ExpertGemms < 2 * Metrics.Pieces, $"{Metrics.ExpertGemms} expert GEMMs for {Metrics.Pieces} pieces of two experts");
    }

    [Fact]
    public async Task Stop_WhileIdle_EndsTheLoopAtOnce()
    {
        Start(new GatherPolicy());
        _node!.Stop();
        await _node.Completion.WaitAsync(TimeSpan.FromMilliseconds(900), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Completion_KernelsFail_Faults()
    {
        Start(new GatherPolicy());
        using var sender = new FakeSender(0, _endpoint.Address);
        _weights.Dispose();
        using TestPiece piece = TestPiece.Make(_model.Context, TestModel.Hidden, 1, [2], new Random(1));
        sender.Send(0, 0, piece, 1);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _node!.Completion.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Loop_AfterWarmUp_AllocatesNothing()
    {
        using var table = new PairTable(_context, _weights.Experts, TestEndpoint.Sizes.MaxBatchPairs, TestEndpoint.Sizes.RowBytes, TestEndpoint.Sizes.ResultBytes);
        Run(table, batches: 10);
        Assert.Equal(0, Run(table, batches: 50));
    }

    /// <summary>Runs the loop on a thread of its own until so many batches are done; the bytes that thread allocated meanwhile.</summary>
    private long Run(PairTable table, int batches)
    {
        var pipeline = new ExpertPipeline(_endpoint, _weights, table, null, new GatherPolicy(), TestEndpoint.Sizes);
        long allocated = -1;
        var thread = new Thread(() =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            pipeline.Run();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        });
        thread.Start();
        using (var sender = new FakeSender(0, _endpoint.Address))
        {
            using TestPiece piece = TestPiece.Make(_model.Context, TestModel.Hidden, 4, [0, 3, 6], new Random(1));
            for (int batch = 0; batch < batches; batch++)
                Assert.Equal(M2NStatus.Ok, sender.Collect(sender.Send(batch % TestEndpoint.Slots, batch % TestModel.Layers, piece, 4)).Status);
        }

        pipeline.Stop();
        thread.Join();
        return allocated;
    }

    private void Start(GatherPolicy gather)
    {
        _node = new ExpertNode("expert node under test", _weights, _context, _endpoint, new ExpertNodeOptions(TestEndpoint.Sizes, gather));
        _node.Start();
    }

    private float[][] Direct(int layer, TestPiece piece)
    {
        using ExpertWeights weights = _model.Load(_model.Context, 0, 2, 3, 6);
        using var table = new PairTable(_model.Context, weights.Experts, TestEndpoint.MaxPairs, TestEndpoint.Sizes.RowBytes, TestEndpoint.Sizes.ResultBytes);
        PairTableTests.Merge(table, [piece]);
        weights.Layers[layer]!.Forward(table);
        return [.. Enumerable.Range(0, piece.RowOfPair.Length).Select(piece.ResultRow)];
    }

    // The loop returns a batch before it counts it.
    private static void WaitFor(Func<bool> isTrue) => Assert.True(SpinWait.SpinUntil(isTrue, TimeSpan.FromSeconds(5)));
}
