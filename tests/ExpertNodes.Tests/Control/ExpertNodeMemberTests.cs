using Google.Protobuf;
using Grpc.Net.Client;
using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.ExpertNodes.Control;
using MegaInfer.M2N;
using MegaInfer.Node;
using MegaInfer.Proto;
using Xunit;

namespace MegaInfer.ExpertNodes.Tests.Control;

public sealed class ExpertNodeMemberTests(TestModel model) : IClassFixture<TestModel>
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task LoadAsync_Welcome_TellsWhatTheNodeIs()
    {
        using var member = new ExpertNodeMember(Options());
        Ready ready = await member.LoadAsync(Welcome(0, 2, 5), TestContext.Current.CancellationToken);
        Assert.Equal(ModelDigest.Of(model.Checkpoint), ready.ModelDigest);
        Assert.Equal($"{model.Context.Numerics}/bf16/kv-fp32", ready.NumericsId);
        Assert.Equal(model.Context.Backend, ready.Backend);
        Assert.NotEmpty(ready.M2NAddress);
        Assert.True(ready.WeightBytes > 0);
    }

    [Fact]
    public async Task ServeAsync_UntilDrained_ComputesThenLeavesThenEnds()
    {
        using var member = new ExpertNodeMember(Options());
        Ready ready = await member.LoadAsync(Welcome(0, 2, 5), TestContext.Current.CancellationToken);
        var left = new TaskCompletionSource();
        Task serving = member.ServeAsync(Link(() =>
        {
            left.SetResult();
            return Task.CompletedTask;
        }), TestContext.Current.CancellationToken);

        using var sender = new FakeSender(0, ready.M2NAddress.Span);
        using TestPiece piece = TestPiece.Make(model.Context, TestModel.Hidden, 3, [0, 5], new Random(1));
        Assert.Equal(M2NStatus.Ok, sender.Collect(sender.Send(0, 0, piece, 3)).Status);

        member.Drain();
        await left.Task.WaitAsync(Bound, TestContext.Current.CancellationToken);
        // A sender that has not heard yet is still answered.
        Assert.Equal(M2NStatus.Ok, sender.Collect(sender.Send(0, 1, piece, 3)).Status);
        await serving.WaitAsync(Bound, TestContext.Current.CancellationToken);

        var metrics = new Dictionary<string, double>();
        member.ReadMetrics(metrics);
        Assert.Equal(2, metrics["megainfer_expert_batches_total"]);
        Assert.Equal(6, metrics["megainfer_expert_rows_total"]);
    }

    [Fact]
    public async Task ServeAsync_Cancelled_EndsAtOnce()
    {
        using var member = new ExpertNodeMember(Options());
        await member.LoadAsync(Welcome(1), TestContext.Current.CancellationToken);
        using var cancel = new CancellationTokenSource();
        Task serving = member.ServeAsync(Link(() => Task.CompletedTask), cancel.Token);
        await cancel.CancelAsync();
        await serving.WaitAsync(Bound, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task LoadAsync_AnotherMembership_HoldsItsExpertsOnly()
    {
        using var member = new ExpertNodeMember(Options());
        await member.LoadAsync(Welcome(0), TestContext.Current.CancellationToken);
        Ready ready = await member.LoadAsync(Welcome(7), TestContext.Current.CancellationToken);
        using var cancel = new CancellationTokenSource();
        Task serving = member.ServeAsync(Link(() => Task.CompletedTask), cancel.Token);
        using (var sender = new FakeSender(0, ready.M2NAddress.Span))
        {
            using TestPiece old = TestPiece.Make(model.Context, TestModel.Hidden, 1, [0], new Random(1));
            using TestPiece now = TestPiece.Make(model.Context, TestModel.Hidden, 1, [7], new Random(1));
            Assert.Equal(M2NStatus.Misplaced, sender.Collect(sender.Send(0, 0, old, 1)).Status);
            Assert.Equal(M2NStatus.Ok, sender.Collect(sender.Send(1, 0, now, 1)).Status);
        }

        await cancel.CancelAsync();
        await serving.WaitAsync(Bound, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task LoadAsync_UnknownTransport_NamesIt()
    {
        using var member = new ExpertNodeMember(Options());
        Welcome welcome = Welcome(0);
        welcome.M2N.Transport = "carrier-pigeon";
        MegaInferException error = await Assert.ThrowsAsync<MegaInferException>(() => member.LoadAsync(welcome, TestContext.Current.CancellationToken));
        Assert.Contains("carrier-pigeon", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_MissingFolder_NamesIt()
    {
        using var member = new ExpertNodeMember(Options());
        Welcome welcome = Welcome(0);
        welcome.ModelFolder = "/nowhere/model";
        MegaInferException error = await Assert.ThrowsAnyAsync<MegaInferException>(() => member.LoadAsync(welcome, TestContext.Current.CancellationToken));
        Assert.Contains("/nowhere/model", error.Message, StringComparison.Ordinal);
    }

    private static NodeOptions Options() => new() { Server = new Uri("http://127.0.0.1:1"), Threads = 1 };

    private static ServerLink Link(Func<Task> leave) => new(GrpcChannel.ForAddress("http://127.0.0.1:1").CreateCallInvoker(), 1, leave);

    private Welcome Welcome(params int[] experts)
    {
        M2NOptions sizes = TestEndpoint.Options(M2NRole.Receiver, 0);
        return new Welcome
        {
            NodeId = 1,
            ModelFolder = model.Folder,
            WeightType = "auto",
            KvType = "fp32",
            Experts = { experts },
            M2N = new M2nSettings
            {
                Transport = "loopback",
                Slots = (uint)sizes.Slots,
                MaxRows = (uint)sizes.MaxRows,
                MaxPairs = (uint)sizes.MaxPairs,
                MaxGroups = (uint)sizes.MaxGroups,
                RowBytes = (uint)sizes.RowBytes,
                ResultBytes = (uint)sizes.ResultBytes,
                MaxPeers = (uint)sizes.MaxPeers,
                Secret = ByteString.CopyFrom(new byte[M2NOptions.SecretBytes]),
            },
        };
    }
}
