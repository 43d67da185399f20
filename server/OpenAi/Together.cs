namespace MegaInfer.Server.OpenAi;

/// <summary>Waiting for the samples of one request.</summary>
internal static class Together
{
    /// <summary>Waits for all; the first failure cancels <paramref name="others"/>, and is what the caller sees once all have ended.</summary>
    public static async Task<T[]> WhenAllAsync<T>(IEnumerable<Task<T>> tasks, CancellationTokenSource others)
    {
        Task<T>[] all = [.. tasks];
        Exception? first = null;
        foreach (Task<T> task in all)
        {
            _ = task.ContinueWith(failed =>
            {
                Interlocked.CompareExchange(ref first, failed.Exception!.GetBaseException(), null);
                others.Cancel();
            }, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        try
        {
            return await Task.WhenAll(all);
        }
        catch when (Volatile.Read(ref first) is { } cause)
        {
            throw cause;
        }
    }
}
