using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MegaInfer.Server.Streaming;

/// <summary>
/// Server-sent events on one response: <c>data: {...}</c> and an empty line for each. Several samples may write; one at a time. The response's headers
/// go out with the first event.
/// </summary>
internal sealed class SseWriter(HttpResponse response) : IDisposable
{
    private static readonly byte[] Prefix = "data: "u8.ToArray();
    private static readonly byte[] Suffix = "\n\n"u8.ToArray();
    private static readonly byte[] Done = "data: [DONE]\n\n"u8.ToArray();

    private readonly SemaphoreSlim _writing = new(1, 1);

    /// <summary>Writes events in one go, so that a reader sees all or none of them.</summary>
    public async Task WriteAsync<T>(JsonTypeInfo<T> type, CancellationToken cancel, params T[] events)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            Begin();
            foreach (T value in events)
            {
                await response.Body.WriteAsync(Prefix, cancel);
                await response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(value, type), cancel);
                await response.Body.WriteAsync(Suffix, cancel);
            }

            await response.Body.FlushAsync(cancel);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>The last event, by which clients know that nothing is missing.</summary>
    public async Task WriteDoneAsync(CancellationToken cancel)
    {
        Begin();
        await response.Body.WriteAsync(Done, cancel);
        await response.Body.FlushAsync(cancel);
    }

    public void Dispose() => _writing.Dispose();

    private void Begin()
    {
        if (response.HasStarted)
            return;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        // Proxies that buffer would turn a stream into one late answer.
        response.Headers["X-Accel-Buffering"] = "no";
    }
}
