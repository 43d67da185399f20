using System.Diagnostics;
using MegaInfer.Bench.Rivals;

namespace MegaInfer.Bench.Serving;

/// <summary>Sends a load to a server and measures what its clients see.</summary>
internal static class HttpLoad
{
    /// <param name="server">Base address.</param>
    /// <param name="processId">Of the server, whose children count as it does.</param>
    /// <param name="model">As the server names it.</param>
    /// <param name="shape">The load.</param>
    /// <param name="vocabulary">Prompts are random ids below it.</param>
    /// <param name="cancel">Breaks it off.</param>
    internal static async Task<LoadResult> RunAsync(Uri server, int processId, string model, LoadShape shape, int vocabulary, CancellationToken cancel)
    {
        using var client = new HttpClient { BaseAddress = server, Timeout = Timeout.InfiniteTimeSpan };
        int[][] prompts = [.. Enumerable.Range(0, shape.Requests).Select(index => shape.Prompt(index, vocabulary))];
        OthersClock others = OthersClock.Start(processId);
        double serverBefore = ProcessorTimes.AreKnown ? ProcessorTimes.TreeSeconds([processId]) : 0;
        using Process front = Process.GetProcessById(processId);
        TimeSpan frontBefore = front.TotalProcessorTime;
        TimeSpan clientBefore = Environment.CpuUsage.TotalTime;
        long started = Stopwatch.GetTimestamp();
        StreamedRequest[] requests = shape.IsOpen ? await OpenAsync() : await ClosedAsync();
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        front.Refresh();
        return new LoadResult(
            requests,
            seconds,
            ((ProcessorTimes.AreKnown ? ProcessorTimes.TreeSeconds([processId]) : 0) - serverBefore) / seconds,
            (front.TotalProcessorTime - frontBefore).TotalSeconds / seconds,
            (Environment.CpuUsage.TotalTime - clientBefore).TotalSeconds / seconds,
            others.StopShare());

        Task<StreamedRequest> SendAsync(int index, long due) => StreamedRequest.SendAsync(client, model, prompts[index], shape.GenerateLength, due, cancel);

        async Task<StreamedRequest[]> OpenAsync() => await Task.WhenAll(shape.Arrivals().Select(async (due, index) =>
        {
            long at = started + (long)(due.TotalSeconds * Stopwatch.Frequency);
            TimeSpan left = due - Stopwatch.GetElapsedTime(started);
            if (left > TimeSpan.Zero)
                await Task.Delay(left, cancel);
            return await SendAsync(index, at);
        }));

        async Task<StreamedRequest[]> ClosedAsync()
        {
            var done = new StreamedRequest[shape.Requests];
            int next = -1;
            await Task.WhenAll(Enumerable.Range(0, shape.Streams).Select(async _ =>
            {
                for (int index = Interlocked.Increment(ref next); index < done.Length; index = Interlocked.Increment(ref next))
                    done[index] = await SendAsync(index, Stopwatch.GetTimestamp());
            }));
            return done;
        }
    }
}
