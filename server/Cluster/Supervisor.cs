using MegaInfer.Engine;
using MegaInfer.Server.Health;

namespace MegaInfer.Server.Cluster;

/// <summary>
/// Starts the local pools and keeps them running: a child that ends is started again, later each time it fails in a row. Until <see cref="Settle"/> a
/// child that ends is a failed start of the whole server instead, since it would only fail again.
/// </summary>
internal sealed class Supervisor(IReadOnlyList<ChildSpec> children, TextWriter log, ServerMetrics metrics, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _startFailed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task[] _loops = [];
    private volatile bool _isSettled;

    /// <summary>Fails with one sentence if a child ends before <see cref="Settle"/>; never completes otherwise.</summary>
    public Task StartFailed => _startFailed.Task;

    /// <summary>Starts every child.</summary>
    /// <exception cref="MegaInferException">One cannot be started; those that were are stopped again.</exception>
    public async Task StartAsync()
    {
        var first = new List<ChildProcess>();
        try
        {
            foreach (ChildSpec child in children)
                first.Add(ChildProcess.Start(child, log));
        }
        catch (MegaInferException)
        {
            foreach (ChildProcess child in first)
                await EndAsync(child, "child");
            throw;
        }

        _loops = [.. children.Zip(first, KeepRunningAsync)];
    }

    /// <summary>The cluster has become ready: from now on children that end are started again.</summary>
    public void Settle() => _isSettled = true;

    /// <summary>Asks every child to end, and kills those that do not. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_loops);
    }

    private async Task KeepRunningAsync(ChildSpec spec, ChildProcess first)
    {
        ChildProcess? child = first;
        for (int crashes = 0; ;)
        {
            long started = time.GetTimestamp();
            int status = -1;
            if (child is not null)
            {
                if (await EndedByItselfAsync(child, spec.Name) is not { } code)
                    return;
                status = code;
            }

            if (!_isSettled)
            {
                string why = child?.LastLine.Length > 0 ? child.LastLine : $"it ended with status {status}";
                child?.Dispose();
                _startFailed.TrySetException(new MegaInferException($"{spec.Name} did not start: {why}"));
                return;
            }

            child?.Dispose();
            crashes = time.GetElapsedTime(started) >= BackOffPolicy.WellAfter ? 1 : crashes + 1;
            TimeSpan delay = BackOffPolicy.Delay(crashes);
            Log.ChildRestarts(logger, spec.Name, status, (long)delay.TotalMilliseconds);
            metrics.ChildRestarts.WithLabels(spec.Name).Inc();
            await Task.Delay(delay, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stopping.IsCancellationRequested)
                return;
            child = TryStart(spec);
        }
    }

    /// <summary>Its exit status; null if the server ended it, which is then done.</summary>
    private async Task<int?> EndedByItselfAsync(ChildProcess child, string name)
    {
        Task ended = child.WaitAsync();
        try
        {
            await ended.WaitAsync(_stopping.Token);
            return child.ExitCode;
        }
        catch (OperationCanceledException)
        {
            await EndAsync(child, name);
            return null;
        }
    }

    private ChildProcess? TryStart(ChildSpec spec)
    {
        try
        {
            return ChildProcess.Start(spec, log);
        }
        catch (MegaInferException error)
        {
            log.WriteLine(error.Message);
            return null;
        }
    }

    private async Task EndAsync(ChildProcess child, string name)
    {
        child.AskToEnd();
        Task ended = child.WaitAsync();
        if (await Task.WhenAny(ended, Task.Delay(EndTimeout, time)) != ended)
        {
            Log.ChildKilled(logger, name);
            child.Kill();
            await ended;
        }

        child.Dispose();
    }
}
