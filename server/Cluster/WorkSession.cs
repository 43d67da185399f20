using Grpc.Core;
using MegaInfer.Engine;
using MegaInfer.Proto;
using MegaInfer.Server.Routing;

namespace MegaInfer.Server.Cluster;

/// <summary>One attention node's Work stream: orders out, progress in. When it ends, the router moves the node's unfinished sequences elsewhere.</summary>
internal sealed class WorkSession(ClusterState state, RequestRouter router, ILogger logger)
{
    public async Task RunAsync(IAsyncStreamReader<WorkReport> incoming, IServerStreamWriter<WorkOrder> outgoing, ServerCallContext context)
    {
        if (!await incoming.MoveNext(context.CancellationToken) || incoming.Current.Hello is not { } hello)
            throw new RpcException(new Status(StatusCode.InvalidArgument, "The first message of Work is Hello."));
        if (state.Current.Find(new NodeId(hello.NodeId)) is not { IsReady: true, Role: Engine.Cluster.NodeRole.Attention } node)
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
            Log.WorkStreamEnded(logger, node, link.CloseReason ?? "its connection broke");
        }
        finally
        {
            router.Detach(link);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task SendAsync(AttentionLink link, IServerStreamWriter<WorkOrder> outgoing, CancellationToken ended)
    {
        await foreach (WorkOrder order in link.Orders.ReadAllAsync(ended))
            await outgoing.WriteAsync(order, ended);
    }
}
