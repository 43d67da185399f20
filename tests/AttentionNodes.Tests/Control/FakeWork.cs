using System.Collections.Concurrent;
using System.Threading.Channels;
using Grpc.Core;
using MegaInfer.Proto;

namespace MegaInfer.AttentionNodes.Tests.Control;

/// <summary>The server's end of a Work stream, without a network: orders in, reports out.</summary>
internal sealed class FakeWork : CallInvoker
{
    private readonly Channel<WorkOrder> _orders = Channel.CreateUnbounded<WorkOrder>();
    private readonly ConcurrentDictionary<WorkOrder, TaskCompletionSource> _taken = new(ReferenceEqualityComparer.Instance);
    private readonly Channel<WorkReport> _reports = Channel.CreateUnbounded<WorkReport>();

    /// <summary>What the node said, in order; completes when the node ends its side.</summary>
    public ChannelReader<WorkReport> Reports => _reports.Reader;

    public void Order(WorkOrder order) => _orders.Writer.TryWrite(order);

    /// <summary>Completes once the node has acted on the order: it asks for the next one.</summary>
    public async Task OrderTakenAsync(WorkOrder order)
    {
        var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _taken[order] = taken;
        Order(order);
        await taken.Task;
    }

    /// <summary>The server ends the stream.</summary>
    public void End() => _orders.Writer.TryComplete();

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) => new(
            (IClientStreamWriter<TRequest>)(object)new Writer(this),
            (IAsyncStreamReader<TResponse>)(object)new Reader(this),
            Task.FromResult(new Metadata()),
            () => Status.DefaultSuccess,
            () => [],
            () => { });

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

    private sealed class Writer(FakeWork work) : IClientStreamWriter<WorkReport>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(WorkReport message) => WriteAsync(message, CancellationToken.None);

        public Task WriteAsync(WorkReport message, CancellationToken cancellationToken)
        {
            work._reports.Writer.TryWrite(message);
            return Task.CompletedTask;
        }

        public Task CompleteAsync()
        {
            work._reports.Writer.TryComplete();
            // A server ends its side when the node has ended its own.
            work.End();
            return Task.CompletedTask;
        }
    }

    private sealed class Reader(FakeWork work) : IAsyncStreamReader<WorkOrder>
    {
        public WorkOrder Current { get; private set; } = new();

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (work._taken.TryRemove(Current, out TaskCompletionSource? taken))
                taken.SetResult();
            if (!await work._orders.Reader.WaitToReadAsync(cancellationToken))
                return false;
            Current = await work._orders.Reader.ReadAsync(cancellationToken);
            return true;
        }
    }
}
