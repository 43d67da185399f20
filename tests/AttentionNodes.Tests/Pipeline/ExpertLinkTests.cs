using CsCheck;
using MegaInfer.AttentionNodes.Pipeline;
using MegaInfer.AttentionNodes.Tests.Scheduling;
using MegaInfer.Engine;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.M2N;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

/// <summary>The link over the loopback transport, against experts that multiply.</summary>
public sealed class ExpertLinkTests : IDisposable
{
    private const int Hidden = 16;
    private const int Experts = 6;
    private const int TopK = 2;
    private const int MaxRows = 12;

    private static readonly PipelineShape Shape = new(
        Requests.Spec with { HiddenSize = Hidden, Router = new RouterSpec(Experts, TopK, true) }, MaxRows, NumberType.Float32);

    private readonly KernelContext _context = KernelContext.Create(new KernelContextOptions { ThreadCount = 1 });
    private readonly StepMemory _memory;
    private readonly M2NEndpoint _endpoint = M2NEndpoint.Open(Options(M2NRole.Sender, 0));
    private readonly ExpertLink _link;
    private readonly List<FakeExpert> _experts = [];
    private long _epoch;

    public ExpertLinkTests()
    {
        _memory = new StepMemory(_context, Requests.Spec with { HiddenSize = Hidden, Router = new RouterSpec(Experts, TopK, true) }, Shape, 2);
        var options = new ExpertLinkOptions
        {
            ExpertCount = Experts,
            TopK = TopK,
            ResultBytes = Shape.ResultBytes,
            Rank = default,
            Version = default,
            DispatchDeadline = TimeSpan.FromMilliseconds(300),
        };
        _link = new ExpertLink(_endpoint, _context, _memory, options, new StageClock(), TimeProvider.System);
    }

    public void Dispose()
    {
        _endpoint.Dispose();
        foreach (FakeExpert expert in _experts)
            expert.Dispose();
        _memory.Dispose();
        _context.Dispose();
    }

    private static M2NOptions Options(M2NRole role, int rank) => new()
    {
        Transport = M2NTransport.Loopback,
        Role = role,
        Rank = new Rank(rank),
        MaxPeers = 4,
        Slots = PipelineShape.Slots,
        MaxRows = Shape.MaxRows,
        MaxPairs = Shape.MaxPairs,
        MaxGroups = Shape.MaxGroups,
        RowBytes = Shape.RowBytes,
        ResultBytes = Shape.ResultBytes,
    };

    private FakeExpert StartExpert(int rank)
    {
        var expert = new FakeExpert(Options(M2NRole.Receiver, rank), Hidden);
        _experts.Add(expert);
        return expert;
    }

    private ClusterSnapshot Snapshot(params (FakeExpert Node, int Rank, int[] Held)[] members) => new(++_epoch, [.. members.Select(
        member => new ExpertMember(new NodeId(_experts.IndexOf(member.Node)), new Rank(member.Rank), member.Node.Address, [.. member.Held.Select(id => new ExpertId(id))]))]);

    /// <summary>Fills hidden, normed and routing of the first rows from a seed; what combine should make of the hidden rows.</summary>
    private float[] Fill(int rows, int seed)
    {
        var random = new Random(seed);
        Span<float> hidden = _memory.Hidden.Start.HostSpan<float>(rows * Hidden);
        Span<float> normed = _memory.Normed.Start.HostSpan<float>(rows * Hidden);
        Span<int> experts = _memory.RoutingExperts.HostSpan<int>(rows * TopK);
        Span<float> weights = _memory.RoutingWeights.Start.HostSpan<float>(rows * TopK);
        for (int i = 0; i < rows * Hidden; i++)
            (hidden[i], normed[i]) = (random.NextSingle(), random.NextSingle() - 0.5f);
        float[] expected = hidden.ToArray();
        for (int row = 0; row < rows; row++)
        {
            int[] chosen = [.. Enumerable.Range(0, Experts).OrderBy(_ => random.Next()).Take(TopK).Order()];
            for (int k = 0; k < TopK; k++)
                (experts[(row * TopK) + k], weights[(row * TopK) + k]) = (chosen[k], random.NextSingle());
            for (int column = 0; column < Hidden; column++)
            {
                float sum = 0;
                for (int k = 0; k < TopK; k++)
                    sum = MathF.FusedMultiplyAdd(weights[(row * TopK) + k], (chosen[k] + 1) * normed[(row * Hidden) + column], sum);
                expected[(row * Hidden) + column] += sum;
            }
        }

        return expected;
    }

    private static MicroBatch Batch(int slot, int firstRow, int rows)
    {
        var batch = new MicroBatch(slot, ExpertPeers.MaxRanks);
        batch.Assign(firstRow, rows);
        return batch;
    }

    private M2NStatus Run(int rows, int microBatches)
    {
        MicroBatch[] batches = [.. Enumerable.Range(0, microBatches).Select(i =>
        {
            int first = MicroBatchSplit.FirstRow(rows, microBatches, i);
            return Batch(i, first, MicroBatchSplit.FirstRow(rows, microBatches, i + 1) - first);
        })];
        foreach (MicroBatch batch in batches)
            _link.Dispatch(batch, layer: 1);
        return batches.Select(_link.Combine).ToArray().Where(status => status != M2NStatus.Ok).FirstOrDefault(M2NStatus.Ok);
    }

    [Fact]
    public void DispatchAndCombine_OverAnyPlacement_GiveTheSameBits()
    {
        FakeExpert[] nodes = [StartExpert(0), StartExpert(1), StartExpert(2)];
        // Each expert on one to three of the three nodes.
        Gen.Select(Gen.Int[1, 7].Array[Experts], Gen.Int[1, MaxRows], Gen.Int[1, 4], Gen.Int[0, 1000]).Sample(
            (masks, rows, microBatches, seed) =>
            {
                _link.Offer(Snapshot([.. nodes.Select((node, rank) =>
                    (node, rank, Enumerable.Range(0, Experts).Where(expert => (masks[expert] >> rank & 1) == 1).ToArray()))]));
                Assert.True(_link.Prepare());
                float[] expected = Fill(rows, seed);
                Assert.Equal(M2NStatus.Ok, Run(rows, Math.Min(rows, microBatches)));
                Assert.Equal(expected, _memory.Hidden.Start.HostSpan<float>(rows * Hidden).ToArray());
            },
            iter: 100,
            threads: 1);
    }

    [Fact]
    public void Prepare_WithAnExpertNobodyHolds_IsFalse()
    {
        FakeExpert node = StartExpert(0);
        Assert.False(_link.Prepare());
        _link.Offer(Snapshot((node, 0, [0, 1, 2, 3, 4])));
        Assert.False(_link.Prepare());
        _link.Offer(Snapshot((node, 0, [0, 1, 2, 3, 4, 5])));
        Assert.True(_link.Prepare());
    }

    [Fact]
    public void Dispatch_SendsEachExpertOnceInAscendingOrder()
    {
        FakeExpert node = StartExpert(0);
        _link.Offer(Snapshot((node, 0, [0, 1, 2, 3, 4, 5])));
        _link.Prepare();
        Fill(3, seed: 1);
        new[] { 1, 4, 0, 4, 1, 5 }.CopyTo(_memory.RoutingExperts.HostSpan<int>(6));
        Run(3, 1);
        Assert.Equal(["0x1 1x2 4x2 5x1"], node.Seen);
    }

    [Theory]
    [InlineData(M2NStatus.VersionMissing)]
    [InlineData(M2NStatus.Misplaced)]
    [InlineData(M2NStatus.Internal)]
    public void Combine_WhenAPieceIsRefused_TellsItAndLeavesTheRows(M2NStatus status)
    {
        FakeExpert node = StartExpert(0);
        _link.Offer(Snapshot((node, 0, [0, 1, 2, 3, 4, 5])));
        _link.Prepare();
        Fill(4, seed: 1);
        float[] before = _memory.Hidden.Start.HostSpan<float>(4 * Hidden).ToArray();
        node.Status = status;
        Assert.Equal(status, Run(4, 2));
        Assert.Equal(before, _memory.Hidden.Start.HostSpan<float>(4 * Hidden).ToArray());

        node.Status = M2NStatus.Ok;
        float[] expected = Fill(4, seed: 2);
        Assert.Equal(M2NStatus.Ok, Run(4, 2));
        Assert.Equal(expected, _memory.Hidden.Start.HostSpan<float>(4 * Hidden).ToArray());
    }

    [Fact]
    public void Combine_WhenANodeIsSilent_TimesOutAndWorksAgainLater()
    {
        FakeExpert node = StartExpert(0);
        _link.Offer(Snapshot((node, 0, [0, 1, 2, 3, 4, 5])));
        _link.Prepare();
        Fill(4, seed: 1);
        node.IsSilent = true;
        Assert.Equal(M2NStatus.Timeout, Run(4, 1));

        node.IsSilent = false;
        M2NStatus status = M2NStatus.Timeout;
        float[] expected = [];
        for (int tries = 0; tries < 200 && status != M2NStatus.Ok; tries++)
        {
            // The slot opens again once the late piece is back.
            Thread.Sleep(5);
            expected = Fill(4, seed: 2);
            status = Run(4, 1);
        }

        Assert.Equal(M2NStatus.Ok, status);
        Assert.Equal(expected, _memory.Hidden.Start.HostSpan<float>(4 * Hidden).ToArray());
    }

    [Fact]
    public void Combine_WhenANodeIsGone_FailsUntilASnapshotReplacesIt()
    {
        FakeExpert first = StartExpert(0);
        _link.Offer(Snapshot((first, 0, [0, 1, 2, 3, 4, 5])));
        _link.Prepare();
        _experts.Remove(first);
        first.Dispose();
        Fill(4, seed: 1);
        Assert.NotEqual(M2NStatus.Ok, Run(4, 1));
        Assert.False(_link.Prepare());

        FakeExpert second = StartExpert(0);
        _link.Offer(new ClusterSnapshot(++_epoch, [new ExpertMember(
            new NodeId(77), new Rank(0), second.Address, [.. Enumerable.Range(0, Experts).Select(id => new ExpertId(id))])]));
        Assert.True(_link.Prepare());
        float[] expected = Fill(4, seed: 2);
        Assert.Equal(M2NStatus.Ok, Run(4, 1));
        Assert.Equal(expected, _memory.Hidden.Start.HostSpan<float>(4 * Hidden).ToArray());
    }

    [Fact]
    public void DispatchAndCombine_AllocateNothing()
    {
        FakeExpert[] nodes = [StartExpert(0), StartExpert(1)];
        _link.Offer(Snapshot((nodes[0], 0, [0, 1, 2]), (nodes[1], 1, [3, 4, 5])));
        Fill(8, seed: 1);
        MicroBatch batch = Batch(0, 0, 8);
        // What the first rounds allocate is made once.
        Exchange(80);
        Assert.Equal(0, Allocations.Of(() => Exchange(20)));

        void Exchange(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                Assert.True(_link.Prepare());
                _link.Dispatch(batch, 0);
                if (_link.Combine(batch) != M2NStatus.Ok)
                    Assert.Fail("combine failed");
            }
        }
    }

    [Fact]
    public void Prepare_OlderSnapshot_IsIgnored()
    {
        FakeExpert node = StartExpert(0);
        ClusterSnapshot old = Snapshot();
        _link.Offer(Snapshot((node, 0, [0, 1, 2, 3, 4, 5])));
        _link.Offer(old);
        Assert.True(_link.Prepare());
    }
}
