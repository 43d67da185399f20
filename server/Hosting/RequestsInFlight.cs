namespace MegaInfer.Server.Hosting;

/// <summary>Counts the client requests that are being answered, so that a stopping server can let the last bytes go out. Any thread.</summary>
internal sealed class RequestsInFlight
{
    private readonly Lock _gate = new();
    private int _count;
    private TaskCompletionSource? _none;

    public async Task CountAsync(Func<Task> answer)
    {
        lock (_gate)
            _count++;
        try
        {
            await answer();
        }
        finally
        {
            lock (_gate)
            {
                if (--_count == 0)
                    _none?.TrySetResult();
            }
        }
    }

    /// <summary>Waits until nothing is being answered, at most this long.</summary>
    public async Task WaitForNoneAsync(TimeSpan bound, TimeProvider time)
    {
        Task none;
        lock (_gate)
        {
            _none ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_count == 0)
                _none.TrySetResult();
            none = _none.Task;
        }

        await Task.WhenAny(none, Task.Delay(bound, time));
    }
}
