using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using MegaInfer.Proto;

namespace MegaInfer.Server.Tests.Fakes;

/// <summary>The membership half of a node, over a real socket.</summary>
internal class FakeNode : IAsyncDisposable
{
    private readonly GrpcChannel _channel;
    private readonly AsyncDuplexStreamingCall<NodeMessage, ServerMessage> _call;
    private readonly ConcurrentQueue<Snapshot> _snapshots = new();
    private Task _reading = Task.CompletedTask;

    protected FakeNode(string control)
    {
        _channel = GrpcChannel.ForAddress($"http://{control}");
        Client = new Proto.Cluster.ClusterClient(_channel);
        _call = Client.Attend();
    }

    public Welcome? Welcome { get; private set; }

    public string? RefusedBecause { get; private set; }

    public IReadOnlyCollection<Snapshot> Snapshots => _snapshots;

    /// <summary>Completes when the server has ended the stream.</summary>
    public Task Ended => _reading.WaitAsync(TimeSpan.FromSeconds(30));

    protected Proto.Cluster.ClusterClient Client { get; }

    public static async Task<FakeNode> JoinAsync(string control, Join join)
    {
        var node = new FakeNode(control);
        await node.JoinAsync(join);
        return node;
    }

    /// <summary>An expert node that is ready.</summary>
    public static async Task<FakeNode> ExpertAsync(TestServer server, int childIndex = -1)
    {
        FakeNode node = await JoinAsync(server.Control, Joining(NodeRole.Expert, childIndex));
        await node.SayReadyAsync(await server.Parts.Model.Digest);
        await server.UntilAsync(() => server.Parts.Cluster.Current.Find(new Engine.NodeId(node.Welcome!.NodeId)) is { IsReady: true });
        return node;
    }

    public static Join Joining(NodeRole role, int childIndex = -1) => new() { ProtocolVersion = 1, Role = role, Host = "host", Pid = 1, ChildIndex = childIndex };

    public Task SayReadyAsync(string digest, string numerics = "numerics") => SendAsync(new NodeMessage
    {
        Ready = new Ready { ModelDigest = digest, NumericsId = numerics, Backend = "fake", M2NAddress = ByteString.CopyFromUtf8("address"), WeightBytes = 1 << 20, KvTokenCapacity = 4096 },
    });

    public Task SendAsync(NodeMessage message) => _call.RequestStream.WriteAsync(message);

    public virtual async ValueTask DisposeAsync()
    {
        _call.Dispose();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _channel.Dispose();
    }

    protected async Task JoinAsync(Join join)
    {
        await SendAsync(new NodeMessage { Join = join });
        if (!await _call.ResponseStream.MoveNext(CancellationToken.None))
            return;
        Welcome = _call.ResponseStream.Current.Welcome;
        RefusedBecause = _call.ResponseStream.Current.Refused?.Reason;
        _reading = ReadAsync();
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await _call.ResponseStream.MoveNext(CancellationToken.None))
            {
                if (_call.ResponseStream.Current.Snapshot is { } snapshot)
                    _snapshots.Enqueue(snapshot);
                RefusedBecause ??= _call.ResponseStream.Current.Refused?.Reason;
            }
        }
        catch (RpcException)
        {
            // The server or this side ended it.
        }
    }
}
