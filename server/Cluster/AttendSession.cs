using System.Net;
using System.Security.Cryptography;
using Grpc.Core;
using MegaInfer.Proto;

namespace MegaInfer.Server.Cluster;

/// <summary>
/// One node's membership, as the server lives it: check Join, send Welcome, wait for Ready, then take heartbeats until the stream or the lease ends. However
/// it ends, the node is out of the cluster when <see cref="RunAsync"/> returns.
/// </summary>
internal sealed class AttendSession(ClusterState state, Task<string> modelDigest, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan JoinTimeout = TimeSpan.FromSeconds(10);

    public async Task RunAsync(IAsyncStreamReader<NodeMessage> incoming, IServerStreamWriter<ServerMessage> outgoing, ServerCallContext context)
    {
        using var connection = new NodeConnection();
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, connection.Ended);
        using ITimer lease = time.CreateTimer(_ => connection.End("it was silent for longer than its lease"), null, JoinTimeout, Timeout.InfiniteTimeSpan);
        if (await ReadAsync(incoming, ended.Token) is not { MessageCase: NodeMessage.MessageOneofCase.Join } first)
            return;

        (ClusterNode? node, string? refusal) = Admit(first.Join, context.GetHttpContext().Connection.RemoteIpAddress, connection);
        if (node is null)
        {
            Log.NodeRefused(logger, refusal!);
            await outgoing.WriteAsync(ClusterMessages.Refused(refusal!), CancellationToken.None);
            return;
        }

        string reason = "it left";
        Task sending = Task.CompletedTask;
        try
        {
            lease.Change(state.Spec.LoadTimeout, Timeout.InfiniteTimeSpan);
            await outgoing.WriteAsync(ClusterMessages.Welcome(state.Spec, node), ended.Token);
            sending = SendAsync(connection, outgoing);
            refusal = await ServeAsync(node, incoming, lease, ended.Token);
            if (refusal is not null)
            {
                reason = refusal;
                Log.NodeRefused(logger, refusal);
                connection.Post(ClusterMessages.Refused(refusal));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or RpcException or InvalidOperationException)
        {
            reason = connection.EndReason ?? "its connection broke";
        }
        finally
        {
            state.Leave(node.Id, reason);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private (ClusterNode? Node, string? Refusal) Admit(Join join, IPAddress? address, NodeConnection connection)
    {
        if (!CryptographicOperations.FixedTimeEquals(join.Secret.Span, state.Spec.Secret.Span))
            return (null, "The cluster secret is missing or wrong; give the node --secret-file with the server's secret.");
        if (join.ProtocolVersion != ClusterSpec.ProtocolVersion)
            return (null, $"The node speaks protocol version {join.ProtocolVersion}, the server {ClusterSpec.ProtocolVersion}; run the same release on both sides.");
        if (join.Role is not (NodeRole.Attention or NodeRole.Expert))
            return (null, $"Join names no role that this server knows ({(int)join.Role}); run the same release on both sides.");
        return state.Join(ClusterMessages.Join(join, address), connection);
    }

    /// <summary>From Welcome until the node leaves; a refusal in one sentence if what it says cannot be accepted.</summary>
    private async Task<string?> ServeAsync(ClusterNode node, IAsyncStreamReader<NodeMessage> incoming, ITimer lease, CancellationToken ended)
    {
        bool isReady = false;
        while (await ReadAsync(incoming, ended) is { } message)
        {
            // Renewed before the message takes effect: who sees its effect may rely on the lease.
            if (isReady)
                lease.Change(state.Spec.Lease, Timeout.InfiniteTimeSpan);
            switch (message.MessageCase)
            {
                case NodeMessage.MessageOneofCase.Ready when !isReady:
                    if (state.MarkReady(node.Id, ClusterMessages.Ready(message.Ready), await modelDigest.WaitAsync(ended)) is { } refusal)
                        return refusal;
                    isReady = true;
                    lease.Change(state.Spec.Lease, Timeout.InfiniteTimeSpan);
                    break;
                case NodeMessage.MessageOneofCase.Heartbeat:
                    state.Heartbeat(node.Id, new Dictionary<string, double>(message.Heartbeat.Metrics), new Dictionary<uint, string>(message.Heartbeat.Pairs));
                    break;
                default:
                    return $"{node} sent {message.MessageCase} out of turn; run the same release on both sides.";
            }
        }

        return null;
    }

    private static async Task SendAsync(NodeConnection connection, IServerStreamWriter<ServerMessage> outgoing)
    {
        // What was posted before the end still goes out: a refusal is the last message.
        await foreach (ServerMessage message in connection.Outbox.ReadAllAsync())
            await outgoing.WriteAsync(message);
    }

    private static async Task<NodeMessage?> ReadAsync(IAsyncStreamReader<NodeMessage> incoming, CancellationToken cancel) =>
        await incoming.MoveNext(cancel) ? incoming.Current : null;
}
