using Google.Protobuf;
using MegaInfer.AttentionNodes.Control;
using MegaInfer.AttentionNodes.Tests.Pipeline;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.M2N;
using MegaInfer.Node;
using MegaInfer.Proto;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Control;

/// <summary>The member as its session uses it: loaded by a Welcome, fed by a Work stream, over experts that multiply.</summary>
public sealed class AttentionNodeMemberTests(TinyModel model) : IClassFixture<TinyModel>
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    private PipelineShape Shape => new(model.Checkpoint.Spec, 32, NumberType.Float32);

    private static AttentionNodeMember Member() => new(new NodeOptions { Server = new Uri("http://127.0.0.1:1"), Threads = 1 });

    private FakeExpert StartExpert() => new(
        new M2NOptions
        {
            Transport = M2NTransport.Loopback,
            Role = M2NRole.Receiver,
            Rank = default,
            MaxPeers = 2,
            Slots = PipelineShape.Slots,
            MaxRows = Shape.MaxRows,
            MaxPairs = Shape.MaxPairs,
            MaxGroups = Shape.MaxGroups,
            RowBytes = Shape.RowBytes,
            ResultBytes = Shape.ResultBytes,
        },
        model.Checkpoint.Spec.HiddenSize);

    private Welcome Welcome() => new()
    {
        NodeId = 4,
        Rank = 1,
        ModelFolder = model.Checkpoint.Folder,
        WeightType = "auto",
        KvType = "fp32",
        M2N = new M2nSettings
        {
            Transport = "loopback",
            Slots = PipelineShape.Slots,
            MaxRows = (uint)Shape.MaxRows,
            MaxPairs = (uint)Shape.MaxPairs,
            MaxGroups = (uint)Shape.MaxGroups,
            RowBytes = (uint)Shape.RowBytes,
            ResultBytes = (uint)Shape.ResultBytes,
            MaxPeers = 2,
            Secret = ByteString.CopyFrom(new byte[M2NOptions.SecretBytes]),
        },
        Attention = new AttentionSettings
        {
            MicroBatches = 0,
            MaxStepRows = Shape.MaxRows,
            MaxChunkRows = 16,
            MaxSequences = 4,
            KvBlocks = 30,
            PrefixCache = true,
            DispatchDeadlineMs = 5000,
        },
    };

    private Snapshot Snapshot(FakeExpert expert) => new()
    {
        Epoch = 3,
        Experts =
        {
            new ExpertMember
            {
                NodeId = 9,
                Rank = 0,
                M2NAddress = ByteString.CopyFrom(expert.Address),
                Experts = { Enumerable.Range(0, model.Checkpoint.Spec.Router.ExpertCount) },
            },
        },
    };

    private static WorkOrder Start(long id, int maxTokens) => new()
    {
        Start = new StartSequence
        {
            SequenceId = id,
            PromptTokens = { 5, 6, 7 },
            Sampling = new Proto.Sampling { Temperature = 0, Seed = 1 },
            Limits = new Limits { MaxTokens = maxTokens, IgnoreEos = true },
        },
    };

    /// <summary>Tokens of a sequence up to its end.</summary>
    private static async Task<(int Tokens, SequenceEnd End)> ReadToEndAsync(FakeWork work, long id)
    {
        int tokens = 0;
        while (true)
        {
            WorkReport report = await NextAsync(work);
            foreach (SequenceProgress progress in report.Progress.Sequences.Where(progress => progress.SequenceId == id))
            {
                tokens += progress.Tokens.Count;
                if (progress.End is not null)
                    return (tokens, progress.End);
            }
        }
    }

    private static Task<WorkReport> NextAsync(FakeWork work) => work.Reports.ReadAsync(TestEnd).AsTask().WaitAsync(Bound, TestEnd);

    private static async Task<FakeWork> GreetedAsync(AttentionNodeMember member, Action<Task> serving, CancellationToken cancel)
    {
        var work = new FakeWork();
        serving(member.ServeAsync(new ServerLink(work, 4, () => Task.CompletedTask), cancel));
        WorkReport hello = await NextAsync(work);
        Assert.Equal(4, hello.Hello.NodeId);
        return work;
    }

    [Fact]
    public async Task LoadAsync_Welcome_TellsWhatTheNodeIs()
    {
        using AttentionNodeMember member = Member();
        Ready ready = await member.LoadAsync(Welcome(), TestEnd);
        Assert.Equal(ModelDigest.Of(model.Checkpoint), ready.ModelDigest);
        Assert.Equal($"{model.Context.Numerics}/bf16/kv-fp32", ready.NumericsId);
        Assert.Equal((30 * 16, model.Weights.Bytes), (ready.KvTokenCapacity, ready.WeightBytes));
    }

    [Fact]
    public async Task ServeAsync_OrdersUntilDrained_AreWorkedOffAndReported()
    {
        using FakeExpert expert = StartExpert();
        using AttentionNodeMember member = Member();
        await member.LoadAsync(Welcome(), TestEnd);
        Task serving = Task.CompletedTask;
        FakeWork work = await GreetedAsync(member, task => serving = task, TestEnd);
        member.Apply(Snapshot(expert));

        work.Order(Start(1, maxTokens: 6));
        Assert.Equal((6, FinishReason.Length), await ReadToEndAsync(work, 1) is var (tokens, end) ? (tokens, end.Reason) : default);

        // Silent in the middle of it, so that the order comes before its end.
        expert.Answer(times: 5 * model.Checkpoint.Spec.Layers.Count);
        work.Order(Start(2, maxTokens: 100));
        WorkReport first = await NextAsync(work);
        Assert.Equal(2, first.Progress.Sequences.Single().SequenceId);
        await work.OrderTakenAsync(new WorkOrder { Cancel = new CancelSequence { SequenceId = 2 } }).WaitAsync(Bound, TestEnd);
        expert.Answer(times: int.MaxValue);
        Assert.Equal(FinishReason.Cancelled, (await ReadToEndAsync(work, 2)).End.Reason);

        work.Order(Start(3, maxTokens: 40));
        await NextAsync(work);
        member.Drain();
        Assert.Equal(FinishReason.Length, (await ReadToEndAsync(work, 3)).End.Reason);
        await serving.WaitAsync(Bound, TestEnd);
        await work.Reports.Completion.WaitAsync(Bound, TestEnd);

        var metrics = new Dictionary<string, double>();
        member.ReadMetrics(metrics);
        Assert.True(metrics["megainfer_generated_tokens_total"] >= 47);
        Assert.Equal(0, metrics["megainfer_running_sequences"]);
    }

    [Fact]
    public async Task ServeAsync_RequestOutOfBounds_EndsFailedWithTheField()
    {
        using AttentionNodeMember member = Member();
        await member.LoadAsync(Welcome(), TestEnd);
        using var cancel = new CancellationTokenSource();
        FakeWork work = await GreetedAsync(member, _ => { }, cancel.Token);
        WorkOrder order = Start(1, maxTokens: 5);
        order.Start.PromptTokens.Add(100_000);
        work.Order(order);
        SequenceEnd end = (await ReadToEndAsync(work, 1)).End;
        Assert.Equal(FinishReason.Failed, end.Reason);
        Assert.Contains("100000", end.Message, StringComparison.Ordinal);
        await cancel.CancelAsync();
    }

    [Fact]
    public async Task ServeAsync_WhenTheServerIsGone_EndsWithItsMembership()
    {
        using AttentionNodeMember member = Member();
        await member.LoadAsync(Welcome(), TestEnd);
        using var cancel = new CancellationTokenSource();
        Task serving = Task.CompletedTask;
        FakeWork work = await GreetedAsync(member, task => serving = task, cancel.Token);
        // The work stream breaks first: that alone is not yet a failure of the node.
        work.End();
        await Task.Delay(50, TestEnd);
        Assert.False(serving.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving.WaitAsync(Bound, TestEnd));
    }

    [Fact]
    public async Task LoadAsync_AnotherMembership_Replaces()
    {
        using AttentionNodeMember member = Member();
        await member.LoadAsync(Welcome(), TestEnd);
        Welcome other = Welcome();
        other.Attention.KvBlocks = 12;
        Assert.Equal(12 * 16, (await member.LoadAsync(other, TestEnd)).KvTokenCapacity);
    }

    [Fact]
    public async Task LoadAsync_UnknownTransport_NamesIt()
    {
        using AttentionNodeMember member = Member();
        Welcome welcome = Welcome();
        welcome.M2N.Transport = "carrier-pigeon";
        MegaInferException error = await Assert.ThrowsAsync<MegaInferException>(() => member.LoadAsync(welcome, TestEnd));
        Assert.Contains("carrier-pigeon", error.Message, StringComparison.Ordinal);
    }
}
