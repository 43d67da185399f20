using Grpc.Core;
using MegaInfer.Engine;
using MegaInfer.Proto;
using MegaInfer.Server.Routing;

namespace MegaInfer.Server.Cluster;

/// <summary>One attention node's Work stream: orders out, progress in. When it ends, the router moves the node's unfinished sequences elsewhere.</summary>
internal sealed class WorkSession(ClusterState state, RequestRouter router, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(10);

    public async Task RunAsync(IAsyncStreamReader<WorkReport> incoming, IServerStreamWriter<WorkOrder> outgoing, ServerCallContext context)
    {
        if (!await incoming.MoveNext(context.CancellationToken) || incoming.Current.Hello is not { } hello)
            throw new RpcException(new Status(StatusCode.InvalidArgument, "The first message of Work is Hello."));
        if (await ReadyNodeAsync(new NodeId(hello.NodeId), context.CancellationToken) is not { } node)
            throw new RpcException(new Status(StatusCode.FailedPrecondition, $"Node {hello.NodeId} is not a ready attention node."));
        if (!Equals(node.Address, context.GetHttpContext().Connection.RemoteIpAddress))
            throw new RpcException(new Status(StatusCode.PermissionDenied, $"Node {hello.NodeId} joined from another address."));

        using var link = new AttentionLink(node.Id, state.Spec.MaxSequences);
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, link.Closed);
        router.Attach(link);
        Task sending = SendAsync(link, outgoing, ended.Token);
        try
        {
            while (await incoming.MoveNext(ended.Token))
            {
                if (incoming.Current.Progress is { } progress)
                    router.Report(link, progress);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or RpcException or InvalidOperationException)
        {
            if (!state.IsStopping)
                Log.WorkStreamEnded(logger, node, link.CloseReason ?? "its connection broke");
        }
        finally
        {
            router.Detach(link);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// The node, once its Ready has been read: that travels on the node's other stream, and the server may see it later than Hello. Null: it is no
    /// attention node, or did not become ready in time.
    /// </summary>
    private async Task<ClusterNode?> ReadyNodeAsync(NodeId id, CancellationToken cancel)
    {
        var ready = new TaskCompletionSource<ClusterNode?>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look(Membership membership)
        {
            if (membership.Find(id) is not { Role: Engine.Cluster.NodeRole.Attention } node)
                ready.TrySetResult(null);
            else if (node.IsReady)
                ready.TrySetResult(node);
        }

        state.Changed += Look;
        try
        {
            Look(state.Current);
            return await ready.Task.WaitAsync(ReadyTimeout, time, cancel);
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            state.Changed -= Look;
        }
    }

    private static async Task SendAsync(AttentionLink link, IServerStreamWriter<WorkOrder> outgoing, CancellationToken ended)
    {
        await foreach (WorkOrder order in link.Orders.ReadAllAsync(ended))
            await outgoing.WriteAsync(order, ended);
    }
}
