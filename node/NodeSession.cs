using MegaInfer.Proto;

namespace MegaInfer.Node;

/// <summary>
/// One membership, from Join until the stream ends:
/// <code>
/// join -> welcome -> load -> ready -> serve (heartbeats out, snapshots in) -> drained -> left
///      -> refused                      -> server lost
/// </code>
/// </summary>
internal sealed class NodeSession(NodeOptions options, INode node, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AbandonTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ShortestHeartbeat = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _abandon = new();
    private readonly Lock _state = new();
    private Snapshot? _snapshot;
    private bool _isLoaded;
    private bool _isServing;
    private bool _isDraining;

    public void Dispose() => _abandon.Dispose();

    /// <param name="drain">Leave in good order.</param>
    /// <param name="stop">Leave at once.</param>
    /// <exception cref="Engine.MegaInferException">The server refused the node, or the node failed: the sentence to print.</exception>
    internal async Task<SessionEnd> RunAsync(CancellationToken drain, CancellationToken stop)
    {
        using var stream = new ServerStream(options, time);
        using CancellationTokenSource joining = CancellationTokenSource.CreateLinkedTokenSource(drain, stop);
        Welcome? welcome = await stream.JoinAsync(node.Role, joining.Token);
        if (welcome is null)
            return SessionEnd.NotReached;

        using CancellationTokenRegistration stopping = stop.Register(_abandon.Cancel);
        using CancellationTokenRegistration draining = drain.Register(Drain);
        Task reading = stream.ReadAsync(Apply, Drain);
        Task watching = stream.WatchLeaseAsync(welcome.LeaseMs, _abandon.Token);
        try
        {
            Task<Ready> loading = Task.Run(() => node.LoadAsync(welcome, _abandon.Token));
            if (await Task.WhenAny(loading, reading, watching) != loading)
                return await LoseAsync(loading, reading);
            Ready ready = await loading;
            lock (_state)
                _isLoaded = true;
            await stream.WriteAsync(new NodeMessage { Ready = ready }, _abandon.Token);

            Task serving = node.ServeAsync(new ServerLink(stream.Calls, welcome.NodeId, () => stream.LeaveAsync(reading)), _abandon.Token);
            BeginServing();
            Task beating = HeartbeatAsync(stream, TimeSpan.FromMilliseconds(welcome.HeartbeatMs));
            Task first = await Task.WhenAny(serving, reading, watching);
            if (first == reading && stream.IsLeaving)
                first = await Task.WhenAny(serving, watching);
            if (first != serving)
                return await LoseAsync(serving, reading);
            await serving;
            await stream.LeaveAsync(reading);
            await _abandon.CancelAsync();
            await beating;
            return SessionEnd.Left;
        }
        catch (OperationCanceledException) when (_abandon.IsCancellationRequested)
        {
            return End();
        }
        finally
        {
            await _abandon.CancelAsync();
        }
    }

    private async Task HeartbeatAsync(ServerStream stream, TimeSpan interval)
    {
        long started = time.GetTimestamp();
        using var timer = new PeriodicTimer(interval > ShortestHeartbeat ? interval : ShortestHeartbeat, time);
        try
        {
            do
            {
                var heartbeat = new Heartbeat { SentMs = (long)time.GetElapsedTime(started).TotalMilliseconds };
                node.ReadMetrics(heartbeat.Metrics);
                node.ReadPairs(heartbeat.Pairs);
                await stream.WriteAsync(new NodeMessage { Heartbeat = heartbeat }, _abandon.Token);
            }
            while (await timer.WaitForNextTickAsync(_abandon.Token));
        }
        catch (OperationCanceledException)
        {
            // The membership is over.
        }
    }

    /// <summary>The server is gone, or refused what the node had ready: ends the work that was under way.</summary>
    private async Task<SessionEnd> LoseAsync(Task work, Task reading)
    {
        await _abandon.CancelAsync();
        if (reading.IsFaulted)
            await reading;
        await Task.WhenAny(work, Task.Delay(AbandonTimeout, time));
        if (work.IsFaulted)
            await work;
        return End();
    }

    private SessionEnd End()
    {
        lock (_state)
            return _isDraining ? SessionEnd.Left : SessionEnd.ServerLost;
    }

    private void BeginServing()
    {
        lock (_state)
        {
            _isServing = true;
            if (_snapshot is not null)
                node.Apply(_snapshot);
            if (_isDraining)
                BeginDraining();
        }
    }

    private void Apply(Snapshot snapshot)
    {
        lock (_state)
        {
            if (_snapshot is not null && snapshot.Epoch <= _snapshot.Epoch)
                return;
            _snapshot = snapshot;
            if (_isServing)
                node.Apply(snapshot);
        }
    }

    /// <summary>Before the node has loaded there is nothing to finish: it ends at once.</summary>
    private void Drain()
    {
        lock (_state)
        {
            if (_isDraining)
                return;
            _isDraining = true;
            if (_isServing)
                BeginDraining();
            if (_isLoaded)
                return;
        }

        _abandon.Cancel();
    }

    private void BeginDraining()
    {
        node.Drain();
        _abandon.CancelAfter(DrainTimeout);
    }
}
