using Grpc.Core;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Node;
using MegaInfer.Proto;
using FinishReason = MegaInfer.Engine.Requests.FinishReason;
using SequenceEnd = MegaInfer.AttentionNodes.Scheduling.SequenceEnd;

namespace MegaInfer.AttentionNodes.Control;

/// <summary>
/// One membership's Work stream: orders in, progress out. Where it breaks, the server moves the node's sequences elsewhere, so the node gives them up.
/// </summary>
internal sealed class WorkStream(AttentionNode node, ServerLink server, int vocabularySize) : IDisposable
{
    // When the server dies this stream may break before the membership hears of it.
    private static readonly TimeSpan MembershipGrace = TimeSpan.FromSeconds(10);

    private readonly ProgressWriter _writer = new(vocabularySize);

    // Calls of one stream must not overlap.
    private readonly SemaphoreSlim _writing = new(1, 1);

    public void Dispose() => _writing.Dispose();

    /// <summary>Runs until the node has drained or stopped.</summary>
    /// <exception cref="MegaInferException">The server ended the stream though the node is its member.</exception>
    internal async Task RunAsync(TimeProvider time, CancellationToken cancel)
    {
        using AsyncDuplexStreamingCall<WorkReport, WorkOrder> call = new Cluster.ClusterClient(server.Calls).Work(cancellationToken: cancel);
        Task broken;
        try
        {
            await WriteAsync(call, new WorkReport { Hello = new Hello { NodeId = server.NodeId } }, cancel);
            Task reading = ReadAsync(call, cancel);
            Task writing = ReportAsync(call, cancel);
            broken = await Task.WhenAny(reading, writing);
            if (broken == writing && writing.IsCompletedSuccessfully)
            {
                await call.RequestStream.CompleteAsync();
                await Task.WhenAny(reading, Task.Delay(MembershipGrace, time, cancel));
                return;
            }
        }
        catch (Exception error) when (error is RpcException or IOException or InvalidOperationException or OperationCanceledException)
        {
            broken = Task.FromException(error);
        }

        node.Stop();
        await Task.Delay(MembershipGrace, time, cancel);
        throw new MegaInferException(
            $"The server ended this node's work stream ({broken.Exception?.InnerException?.Message ?? "without a reason"}); see the server's log.");
    }

    private async Task ReadAsync(AsyncDuplexStreamingCall<WorkReport, WorkOrder> call, CancellationToken cancel)
    {
        while (await call.ResponseStream.MoveNext(cancel))
        {
            WorkOrder order = call.ResponseStream.Current;
            if (order.OrderCase == WorkOrder.OrderOneofCase.Start)
                await StartAsync(call, order.Start, cancel);
            else if (order.OrderCase == WorkOrder.OrderOneofCase.Cancel)
                node.Cancel(new SequenceId(order.Cancel.SequenceId));
        }
    }

    private async Task StartAsync(AsyncDuplexStreamingCall<WorkReport, WorkOrder> call, StartSequence start, CancellationToken cancel)
    {
        GenerationRequest request = OrderReader.Request(start);
        // A node that drains leaves soon, and the server then gives the sequence to another.
        if (node.Submit(request) || node.IsDraining)
            return;
        var end = new SequenceEnd(FinishReason.Failed, "The attention node's queue is full; try again later.", 0);
        foreach (WorkReport report in _writer.Messages(new StepReport([new SequenceReport(request.Id, [], default, end)])))
            await WriteAsync(call, report, cancel);
    }

    private async Task ReportAsync(AsyncDuplexStreamingCall<WorkReport, WorkOrder> call, CancellationToken cancel)
    {
        await foreach (StepReport report in node.Reports.ReadAllAsync(cancel))
        {
            foreach (WorkReport message in _writer.Messages(report))
                await WriteAsync(call, message, cancel);
        }
    }

    private async Task WriteAsync(AsyncDuplexStreamingCall<WorkReport, WorkOrder> call, WorkReport report, CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            await call.RequestStream.WriteAsync(report, cancel);
        }
        finally
        {
            _writing.Release();
        }
    }
}
