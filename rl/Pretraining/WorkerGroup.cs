namespace MegaInfer.Rl.Pretraining;

/// <summary>A fixed set of named threads that run one action each and are waited for; libtorch's thread-local state stays with them.</summary>
internal sealed class WorkerGroup : IDisposable
{
    private readonly Thread[] _threads;
    private readonly SemaphoreSlim[] _wake;
    private readonly CountdownEvent _done;
    private Action<int>? _action;
    private Exception? _failure;

    /// <summary>Starts the threads; they sleep between runs.</summary>
    public WorkerGroup(int count)
    {
        _wake = [.. Enumerable.Range(0, count).Select(_ => new SemaphoreSlim(0))];
        _done = new CountdownEvent(count);
        _threads = [.. Enumerable.Range(0, count).Select(i => new Thread(() => Loop(i)) { Name = $"replica {i}", IsBackground = true })];
        foreach (Thread thread in _threads)
            thread.Start();
    }

    /// <summary>Number of threads.</summary>
    public int Count => _threads.Length;

    /// <summary>Runs <paramref name="action"/> with 0, 1, ... on the threads, waits for all and rethrows the first failure.</summary>
    public void Run(Action<int> action)
    {
        _action = action;
        _done.Reset();
        foreach (SemaphoreSlim wake in _wake)
            wake.Release();
        _done.Wait();
        if (Interlocked.Exchange(ref _failure, null) is { } failure)
            throw new InvalidOperationException("A replica failed: " + failure.Message, failure);
    }

    /// <summary>Ends and joins the threads.</summary>
    public void Dispose()
    {
        _action = null;
        foreach (SemaphoreSlim wake in _wake)
            wake.Release();
        foreach (Thread thread in _threads)
            thread.Join();
        foreach (SemaphoreSlim wake in _wake)
            wake.Dispose();
        _done.Dispose();
    }

    private void Loop(int index)
    {
        while (true)
        {
            _wake[index].Wait();
            if (_action is not { } action)
                return;
            try
            {
                action(index);
            }
            catch (Exception failure)
            {
                Interlocked.CompareExchange(ref _failure, failure, null);
            }
            _done.Signal();
        }
    }
}
