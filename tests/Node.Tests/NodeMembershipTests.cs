using System.Net;
using System.Net.Sockets;
using MegaInfer.Engine;
using MegaInfer.Proto;
using Xunit;

namespace MegaInfer.Node.Tests;

public sealed class NodeMembershipTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private static Welcome Welcome(int nodeId = 5) => new() { NodeId = nodeId, HeartbeatMs = 50, LeaseMs = 10_000 };

    [Fact]
    public async Task RunAsync_DrainFromTheServer_ServesAppliesAndLeavesWithZero()
    {
        var node = new FakeNode();
        Join? join = null;
        int heartbeats = 0;
        await using FakeServer server = await FakeServer.StartAsync(async attendance =>
        {
            join = await attendance.WelcomeAsync(Welcome());
            await attendance.SendAsync(new ServerMessage { Snapshot = new Snapshot { Epoch = 3 } });
            await attendance.SendAsync(new ServerMessage { Snapshot = new Snapshot { Epoch = 2 } });
            await attendance.SendAsync(new ServerMessage { Snapshot = new Snapshot { Epoch = 4 } });
            Heartbeat heartbeat = (await attendance.NextAsync())!.Heartbeat;
            Assert.Equal(7, heartbeat.Metrics["rows_total"]);
            await attendance.SendAsync(new ServerMessage { Drain = new Drain() });
            heartbeats = 1 + await attendance.HeartbeatsUntilLeftAsync();
        });
        Assert.Equal(0, await RunAsync(server.Options(childIndex: 1), node));
        Assert.Equal(["load 5", "serve 5", "epoch 3", "epoch 4", "drained"], node.Events);
        Assert.Equal(1u, join!.ProtocolVersion);
        Assert.Equal(NodeRole.Expert, join.Role);
        Assert.Equal(Environment.ProcessId, join.Pid);
        Assert.Equal(1, join.ChildIndex);
        Assert.True(heartbeats >= 1);
    }

    [Fact]
    public async Task RunAsync_DrainFromASignal_LeavesBeforeItEnds()
    {
        var node = new FakeNode { LeavesBeforeItEnds = true };
        using var drain = new CancellationTokenSource();
        bool hasLeft = false;
        await using FakeServer server = await FakeServer.StartAsync(async attendance =>
        {
            await attendance.WelcomeAsync(Welcome());
            await attendance.NextAsync();
            await drain.CancelAsync();
            await attendance.HeartbeatsUntilLeftAsync();
            hasLeft = node.Events.Last() != "drained";
        });
        Assert.Equal(0, await RunAsync(server.Options(), node, drain: drain.Token));
        Assert.True(hasLeft);
        Assert.Equal("drained", node.Events.Last());
    }

    [Fact]
    public async Task RunAsync_SnapshotWhileLoading_IsAppliedOnceServing()
    {
        var snapshotSent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var node = new FakeNode { OnLoad = async cancel => await snapshotSent.Task.WaitAsync(cancel) };
        await using FakeServer server = await FakeServer.StartAsync(async attendance =>
        {
            await attendance.NextAsync();
            await attendance.SendAsync(new ServerMessage { Welcome = Welcome() });
            await attendance.SendAsync(new ServerMessage { Snapshot = new Snapshot { Epoch = 9 } });
            await Task.Delay(50, attendance.Gone);
            snapshotSent.SetResult();
            await attendance.NextAsync();
            await attendance.SendAsync(new ServerMessage { Drain = new Drain() });
            await attendance.HeartbeatsUntilLeftAsync();
        });
        Assert.Equal(0, await RunAsync(server.Options(), node));
        Assert.Equal(["load 5", "serve 5", "epoch 9", "drained"], node.Events);
    }

    [Fact]
    public async Task RunAsync_RefusedAtJoin_SaysTheServersReason()
    {
        await using FakeServer server = await FakeServer.StartAsync(async attendance =>
        {
            await attendance.NextAsync();
            await attendance.SendAsync(new ServerMessage { Refused = new Refused { Reason = "Protocol version 1 is too old; update the node." } });
        });
        MegaInferException error = await Assert.ThrowsAsync<MegaInferException>(() => RunAsync(server.Options(), new FakeNode()));
        Assert.EndsWith("refused this node: Protocol version 1 is too old; update the node.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_RefusedAfterReady_SaysTheServersReason()
    {
        await using FakeServer server = await FakeServer.StartAsync(async attendance =>
        {
            await attendance.WelcomeAsync(Welcome());
            await attendance.SendAsync(new ServerMessage { Refused = new Refused { Reason = "The model differs." } });
        });
        MegaInferException error = await Assert.ThrowsAsync<MegaInferException>(() => RunAsync(server.Options(), new FakeNode()));
        Assert.Contains("The model differs.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_LoadFails_ThrowsItsSentence()
    {
        var node = new FakeNode { OnLoad = _ => throw new MegaInferException("The folder is empty.") };
        await using FakeServer server = await FakeServer.StartAsync(attendance => attendance.WelcomeAsync(Welcome()));
        MegaInferException error = await Assert.ThrowsAsync<MegaInferException>(() => RunAsync(server.Options(), node));
        Assert.Equal("The folder is empty.", error.Message);
    }

    [Fact]
    public async Task RunAsync_WorkFails_ThrowsItsSentence()
    {
        var node = new FakeNode();
        await using FakeServer server = await FakeServer.StartAsync(async attendance =>
        {
            await attendance.WelcomeAsync(Welcome());
            await attendance.NextAsync();
            node.Fail("The kernels refused a batch.");
            await attendance.HeartbeatsUntilLeftAsync();
        });
        MegaInferException error = await Assert.ThrowsAsync<MegaInferException>(() => RunAsync(server.Options(), node));
        Assert.Equal("The kernels refused a batch.", error.Message);
    }

    [Fact]
    public async Task RunAsync_ChildLosesItsServer_EndsNonZero()
    {
        var node = new FakeNode();
        await using FakeServer server = await FakeServer.StartAsync(async attendance =>
        {
            await attendance.WelcomeAsync(Welcome());
            await attendance.NextAsync();
        });
        Assert.Equal(3, await RunAsync(server.Options(childIndex: 0), node));
        Assert.Single(server.Script.Attendances);
    }

    [Fact]
    public async Task RunAsync_ChildWithoutAServer_GivesUpInASentence()
    {
        int port = FreePort();
        using var log = new StringWriter();
        var options = new NodeOptions { Server = new Uri($"http://127.0.0.1:{port}"), ChildIndex = 0 };
        Assert.Equal(3, await RunAsync(options, new FakeNode(), log));
        Assert.Contains($"No server answers at 127.0.0.1:{port}", log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_FromOutside_DialsAgainAndLoadsAgain()
    {
        int port = FreePort();
        var node = new FakeNode();
        using var text = new StringWriter();
        using TextWriter log = TextWriter.Synchronized(text); // which locks itself
        var options = new NodeOptions { Server = new Uri($"http://127.0.0.1:{port}") };
        Task<int> running = RunAsync(options, node, log);
        bool IsDialling()
        {
            lock (log)
                return text.ToString().Contains("dialling", StringComparison.Ordinal);
        }

        while (!IsDialling())
            await Task.Delay(10, TestContext.Current.CancellationToken);
        int attended = 0;
        await using FakeServer server = await FakeServer.StartAsync(async attendance =>
        {
            attended++;
            await attendance.WelcomeAsync(Welcome(attended));
            await attendance.NextAsync();
            if (attended == 1)
                return;
            await attendance.SendAsync(new ServerMessage { Drain = new Drain() });
            await attendance.HeartbeatsUntilLeftAsync();
        }, port);
        Assert.Equal(0, await running);
        Assert.Equal(["load 1", "serve 1", "load 2", "serve 2", "drained"], node.Events);
    }

    [Fact]
    public async Task RunAsync_StopWhileLoading_CancelsTheLoadAndEnds()
    {
        using var stop = new CancellationTokenSource();
        var loading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var node = new FakeNode
        {
            OnLoad = cancel =>
            {
                loading.SetResult();
                return Task.Delay(Timeout.Infinite, cancel);
            },
        };
        await using FakeServer server = await FakeServer.StartAsync(async attendance =>
        {
            await attendance.NextAsync();
            await attendance.SendAsync(new ServerMessage { Welcome = Welcome() });
            await loading.Task.WaitAsync(attendance.Gone);
            await stop.CancelAsync();
            await attendance.NextAsync();
        });
        await RunAsync(server.Options(childIndex: 0), node, stop: stop.Token);
        Assert.Equal(["load 5"], node.Events);
    }

    [Fact]
    public async Task RunAsync_ServerFallsSilent_IsLostAfterTheLease()
    {
        // The connection stays open, but nothing comes through any more: not even the answers to keep-alive pings.
        Relay? relay = null;
        await using FakeServer server = await FakeServer.StartAsync(async attendance =>
        {
            Welcome welcome = Welcome();
            welcome.LeaseMs = 1;
            await attendance.WelcomeAsync(welcome);
            await attendance.NextAsync();
            relay!.Freeze();
            await attendance.HeartbeatsUntilLeftAsync();
        });
        relay = new Relay(server.Address.Port);
        using (relay)
        {
            var options = new NodeOptions { Server = new Uri($"http://127.0.0.1:{relay.Port}"), ChildIndex = 0 };
            Assert.Equal(3, await RunAsync(options, new FakeNode()));
        }
    }

    [Fact]
    public async Task RunAsync_QuietServer_IsNotLost()
    {
        var node = new FakeNode();
        await using FakeServer server = await FakeServer.StartAsync(async attendance =>
        {
            Welcome welcome = Welcome();
            welcome.LeaseMs = 4000;
            await attendance.WelcomeAsync(welcome);
            await Task.Delay(6000, attendance.Gone);
            await attendance.SendAsync(new ServerMessage { Drain = new Drain() });
            await attendance.HeartbeatsUntilLeftAsync();
        });
        Assert.Equal(0, await RunAsync(server.Options(childIndex: 0), node));
    }

    private static Task<int> RunAsync(
        NodeOptions options, FakeNode node, TextWriter? log = null, CancellationToken drain = default, CancellationToken stop = default) =>
        new NodeMembership(options, node, TimeProvider.System, log ?? TextWriter.Null).RunAsync(drain, stop).WaitAsync(Bound, TestContext.Current.CancellationToken);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
