using System.Collections.Concurrent;
using System.Net;
using Grpc.Core;
using MegaInfer.Proto;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace MegaInfer.Node.Tests;

/// <summary>A control port on localhost that plays one script for every node that attends.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeServer(WebApplication app, Script script)
    {
        _app = app;
        Script = script;
    }

    public Script Script { get; }

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    public NodeOptions Options(int childIndex = -1) => new() { Server = Address, ChildIndex = childIndex };

    public static async Task<FakeServer> StartAsync(Func<Attendance, Task> play, int port = 0)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        var script = new Script(play);
        builder.Services.AddSingleton(script);
        WebApplication app = builder.Build();
        app.MapGrpcService<FakeCluster>();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new FakeServer(app, script);
    }

    public async ValueTask DisposeAsync()
    {
        using var atOnce = new CancellationTokenSource();
        await atOnce.CancelAsync();
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
    }
}

/// <summary>What the fake server does with each stream, and the streams so far.</summary>
internal sealed class Script(Func<Attendance, Task> play)
{
    public ConcurrentQueue<Attendance> Attendances { get; } = new();

    public Task PlayAsync(Attendance attendance)
    {
        Attendances.Enqueue(attendance);
        return play(attendance);
    }
}

/// <summary>One node's stream as the server sees it.</summary>
internal sealed class Attendance(IAsyncStreamReader<NodeMessage> requests, IServerStreamWriter<ServerMessage> responses, CancellationToken gone)
{
    public CancellationToken Gone => gone;

    public async Task<NodeMessage?> NextAsync() => await requests.MoveNext(gone) ? requests.Current : null;

    public Task SendAsync(ServerMessage message) => responses.WriteAsync(message, gone);

    /// <summary>Plays the usual opening: Join, Welcome, Ready.</summary>
    public async Task<Join> WelcomeAsync(Welcome welcome)
    {
        Join join = (await NextAsync())!.Join;
        await SendAsync(new ServerMessage { Welcome = welcome });
        Assert.Equal(NodeMessage.MessageOneofCase.Ready, (await NextAsync())!.MessageCase);
        return join;
    }

    /// <summary>Reads heartbeats until the node half-closes.</summary>
    public async Task<int> HeartbeatsUntilLeftAsync()
    {
        int count = 0;
        while (await NextAsync() is { } message)
        {
            Assert.Equal(NodeMessage.MessageOneofCase.Heartbeat, message.MessageCase);
            count++;
        }

        return count;
    }
}

/// <summary>The service behind the fake control port.</summary>
internal sealed class FakeCluster(Script script) : Cluster.ClusterBase
{
    public override Task Attend(
        IAsyncStreamReader<NodeMessage> requestStream, IServerStreamWriter<ServerMessage> responseStream, ServerCallContext context) =>
        script.PlayAsync(new Attendance(requestStream, responseStream, context.CancellationToken));
}
