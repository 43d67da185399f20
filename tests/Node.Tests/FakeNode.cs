using System.Collections.Concurrent;
using MegaInfer.Engine;
using MegaInfer.Proto;

namespace MegaInfer.Node.Tests;

/// <summary>A node that records what its membership asks of it.</summary>
internal sealed class FakeNode : INode
{
    private TaskCompletionSource _drained = new();

    public ConcurrentQueue<string> Events { get; } = new();

    public Func<CancellationToken, Task>? OnLoad { get; init; }

    public NodeRole Role => NodeRole.Expert;

    public bool LeavesBeforeItEnds { get; init; }

    public async Task<Ready> LoadAsync(Welcome welcome, CancellationToken cancel)
    {
        Events.Enqueue($"load {welcome.NodeId}");
        if (OnLoad is not null)
            await OnLoad(cancel);
        return new Ready { ModelDigest = "digest" };
    }

    public async Task ServeAsync(ServerLink server, CancellationToken cancel)
    {
        Events.Enqueue($"serve {server.NodeId}");
        _drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration ended = cancel.Register(() => _drained.TrySetCanceled());
        await _drained.Task;
        if (LeavesBeforeItEnds)
            await server.LeaveAsync();
        Events.Enqueue("drained");
    }

    public void Apply(Snapshot snapshot) => Events.Enqueue($"epoch {snapshot.Epoch}");

    public void Drain() => _drained.TrySetResult();

    public void Fail(string message) => _drained.TrySetException(new MegaInferException(message));

    public void ReadMetrics(IDictionary<string, double> metrics) => metrics["rows_total"] = 7;

    public void Dispose()
    {
    }
}
