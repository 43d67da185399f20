using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using MegaInfer.Proto;
using MegaInfer.Server.Cluster;
using MegaInfer.Server.Hosting;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.Cluster;

/// <summary>Membership over a real socket: who is taken in, what it is told, and how it leaves.</summary>
public sealed class AttendTests
{
    [Fact]
    public async Task Join_ExpertNodes_GetTheirSharesAndSizes()
    {
        await using TestServer server = await TestServer.StartAsync(new ServeOptions { ExpertNodes = 2, Dtype = "fp32", KvDtype = "fp32", Threads = 3, MicroBatches = "2" });
        await using FakeNode first = await FakeNode.JoinAsync(server.Control, FakeNode.Joining(NodeRole.Expert));
        await using FakeNode second = await FakeNode.JoinAsync(server.Control, FakeNode.Joining(NodeRole.Expert));
        Assert.Equal([0, 1], first.Welcome!.Experts);
        Assert.Equal([2, 3], second.Welcome!.Experts);
        Assert.Equal(0u, first.Welcome.Rank);
        Assert.Equal(1u, second.Welcome.Rank);
        Assert.Equal("fp32", first.Welcome.WeightType);
        Assert.Equal("fp32", first.Welcome.KvType);
        Assert.Equal(3, first.Welcome.Threads);
        Assert.Equal(2, first.Welcome.Attention.MicroBatches);
        Assert.Equal(TestModel.Folder, first.Welcome.ModelFolder);
        Assert.Equal(64u, first.Welcome.M2N.RowBytes);
        Assert.Equal(512u, first.Welcome.M2N.MaxPairs);
        Assert.Equal(5u, first.Welcome.M2N.Slots);
        Assert.Equal(16, first.Welcome.M2N.Secret.Length);
        Assert.Equal(first.Welcome.M2N, second.Welcome.M2N);
    }

    [Fact]
    public async Task Snapshots_FollowTheExpertPool()
    {
        await using TestServer server = await TestServer.StartAsync(new ServeOptions { ExpertNodes = 2 });
        await using FakeAttentionNode attention = await FakeAttentionNode.AttachAsync(server);
        await server.UntilAsync(() => attention.Snapshots.Count == 1);
        Assert.Empty(attention.Snapshots.Last().Experts);
        await using FakeNode first = await FakeNode.ExpertAsync(server, childIndex: 0);
        FakeNode second = await FakeNode.ExpertAsync(server, childIndex: 1);
        await server.UntilAsync(() => attention.Snapshots.Count == 3);
        Snapshot both = attention.Snapshots.Last();
        Assert.Equal([[0, 1], [2, 3]], both.Experts.Select(member => member.Experts.ToArray()));
        Assert.Equal("address", both.Experts[0].M2NAddress.ToStringUtf8());

        await second.DisposeAsync();
        await server.UntilAsync(() => attention.Snapshots.Count == 4);
        Assert.Equal([first.Welcome!.NodeId], attention.Snapshots.Last().Experts.Select(member => member.NodeId));
        Assert.False(server.Parts.Gate.CanAnswer);

        // The restarted child takes its predecessor's place: share and rank.
        await using FakeNode third = await FakeNode.ExpertAsync(server, childIndex: 1);
        await server.UntilAsync(() => attention.Snapshots.Count == 5);
        Assert.Equal([2, 3], third.Welcome!.Experts);
        Assert.Equal(1u, third.Welcome.Rank);
        Assert.True(attention.Snapshots.Zip(attention.Snapshots.Skip(1)).All(pair => pair.First.Epoch < pair.Second.Epoch));
        Assert.True(server.Parts.Gate.CanAnswer);
    }

    [Fact]
    public async Task Join_AnotherVersion_IsRefusedByNumber()
    {
        await using TestServer server = await TestServer.StartAsync();
        Join join = FakeNode.Joining(NodeRole.Attention);
        join.ProtocolVersion = 2;
        await using FakeNode node = await FakeNode.JoinAsync(server.Control, join);
        Assert.Null(node.Welcome);
        Assert.Contains("version 2", node.RefusedBecause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secret_IsAskedOfNodesAndOperators()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "open sesame\n");
            await using TestServer server = await TestServer.StartAsync(new ServeOptions { SecretFile = file });
            await using FakeNode without = await FakeNode.JoinAsync(server.Control, FakeNode.Joining(NodeRole.Expert));
            Assert.Contains("secret", without.RefusedBecause, StringComparison.Ordinal);
            Join join = FakeNode.Joining(NodeRole.Expert);
            join.Secret = ByteString.CopyFromUtf8("open sesame");
            await using FakeNode with = await FakeNode.JoinAsync(server.Control, join);
            Assert.NotNull(with.Welcome);

            using GrpcChannel channel = GrpcChannel.ForAddress($"http://{server.Control}");
            var client = new Proto.Cluster.ClusterClient(channel);
            RpcException refused = await Assert.ThrowsAsync<RpcException>(async () => await client.GetStatusAsync(new StatusRequest()));
            Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
            ClusterStatus status = await client.GetStatusAsync(new StatusRequest(), new Metadata { { ClusterService.SecretHeader, "open sesame"u8.ToArray() } });
            Assert.Equal("loading", Assert.Single(status.Nodes).State);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Ready_AnotherModel_IsRefusedByDigest()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeNode node = await FakeNode.JoinAsync(server.Control, FakeNode.Joining(NodeRole.Expert));
        await node.SayReadyAsync("another digest");
        await node.Ended;
        Assert.Contains("another digest", node.RefusedBecause, StringComparison.Ordinal);
        await server.UntilAsync(() => server.Parts.Cluster.Current.Nodes.IsEmpty);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ready_OtherNumerics_AreRefusedByNameUnlessAllowed(bool isAllowed)
    {
        await using TestServer server = await TestServer.StartAsync(new ServeOptions { AllowMixedNumerics = isAllowed });
        await using FakeNode first = await FakeNode.ExpertAsync(server);
        await using FakeNode second = await FakeNode.JoinAsync(server.Control, FakeNode.Joining(NodeRole.Expert));
        await second.SayReadyAsync(await server.Parts.Model.Digest, "other numerics");
        if (isAllowed)
        {
            await server.UntilAsync(() => server.Parts.Cluster.Current.ReadyExperts.Count() == 2);
            return;
        }

        await second.Ended;
        Assert.Contains("other numerics", second.RefusedBecause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lease_WithoutHeartbeats_EndsTheMembership()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeNode silent = await FakeNode.ExpertAsync(server);
        await using FakeNode lively = await FakeNode.ExpertAsync(server);
        TimeSpan lease = server.Parts.Cluster.Spec.Lease;
        server.Time.Advance(lease * 0.6);
        await lively.SendAsync(new NodeMessage { Heartbeat = new Heartbeat { Metrics = { { "x", 1 } } } });
        await server.UntilAsync(() => server.Parts.Cluster.NodeMetrics().Count == 1);
        server.Time.Advance(lease * 0.6);
        await silent.Ended;
        await server.UntilAsync(() => server.Parts.Cluster.Current.Nodes.Count == 1);
        Assert.Equal(lively.Welcome!.NodeId, server.Parts.Cluster.Current.Nodes.Keys.Single());
    }

    [Fact]
    public async Task Child_JoiningAgain_ReplacesItsPredecessor()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeNode first = await FakeNode.ExpertAsync(server, childIndex: 0);
        await using FakeNode second = await FakeNode.ExpertAsync(server, childIndex: 0);
        await first.Ended;
        ClusterNode node = Assert.Single(server.Parts.Cluster.Current.Nodes.Values);
        Assert.Equal(second.Welcome!.NodeId, node.Id.Value);
        Assert.Equal(0, node.Rank.Value);
    }

    [Fact]
    public async Task Work_WithoutMembership_IsRefused()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeNode expert = await FakeNode.ExpertAsync(server);
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{server.Control}");
        foreach (int id in new[] { expert.Welcome!.NodeId, 77 })
        {
            using AsyncDuplexStreamingCall<WorkReport, WorkOrder> work = new Proto.Cluster.ClusterClient(channel).Work();
            await work.RequestStream.WriteAsync(new WorkReport { Hello = new Hello { NodeId = id } });
            RpcException error = await Assert.ThrowsAsync<RpcException>(() => work.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal(StatusCode.FailedPrecondition, error.StatusCode);
        }
    }

    [Fact]
    public async Task Work_OpenedBeforeReadyArrived_WaitsForIt()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeNode node = await FakeNode.JoinAsync(server.Control, FakeNode.Joining(NodeRole.Attention));
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{server.Control}");
        using AsyncDuplexStreamingCall<WorkReport, WorkOrder> work = new Proto.Cluster.ClusterClient(channel).Work();
        await work.RequestStream.WriteAsync(new WorkReport { Hello = new Hello { NodeId = node.Welcome!.NodeId } });
        await Task.Delay(50);
        Assert.Equal(0, server.Parts.Router.LinkCount);
        await node.SayReadyAsync(await server.Parts.Model.Digest);
        await server.UntilAsync(() => server.Parts.Router.LinkCount == 1);
    }

    [Fact]
    public async Task Progress_OutOfContract_EndsTheWorkStream()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server, isManual: true);
        Task<HttpResponseMessage> answer = server.PostAsync("/v1/completions", """{"prompt": "x", "max_tokens": 2}""");
        await server.UntilAsync(() => node.Started.Count == 1);
        await node.SendTokensAsync(node.Started.Keys.Single(), [512]);
        await server.UntilAsync(() => server.Parts.Router.LinkCount == 0);

        await using FakeAttentionNode other = await FakeAttentionNode.AttachAsync(server);
        Assert.Contains("\"text\":\"He\"", await (await answer).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(Assert.Single(other.Started.Values).ResumedTokens);
    }
}
