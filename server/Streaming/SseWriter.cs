using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MegaInfer.Server.Streaming;

/// <summary>
/// Server-sent events on one response: <c>data: {...}</c> and an empty line for each, written straight into the connection's buffer. Several samples may write; one at
/// a time. The response's headers go out with the first event; a client that does not read makes the writer wait.
/// </summary>
internal sealed class SseWriter : IDisposable
{
    private readonly HttpResponse _response;
    private readonly PipeWriter _pipe;
    private readonly SemaphoreSlim _writing = new(1, 1);

    public SseWriter(HttpResponse response)
    {
        _response = response;
        _pipe = response.BodyWriter;
    }

    /// <summary>Writes events in one go, so that a reader sees all or none of them.</summary>
    public async Task WriteAsync<T>(JsonTypeInfo<T> type, CancellationToken cancel, params T[] events)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            Begin();
            foreach (T value in events)
                Append(value, type);
            await _pipe.FlushAsync(cancel);
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
        _pipe.Write("data: [DONE]\n\n"u8);
        await _pipe.FlushAsync(cancel);
    }

    public void Dispose() => _writing.Dispose();

    private void Append<T>(T value, JsonTypeInfo<T> type)
    {
        _pipe.Write("data: "u8);
        using (var json = new Utf8JsonWriter(_pipe, new JsonWriterOptions { Encoder = type.Options.Encoder, SkipValidation = true }))
            JsonSerializer.Serialize(json, value, type);
        _pipe.Write("\n\n"u8);
    }

    private void Begin()
    {
        if (_response.HasStarted)
            return;
        _response.ContentType = "text/event-stream; charset=utf-8";
        _response.Headers.CacheControl = "no-cache";
        // Proxies that buffer would turn a stream into one late answer.
        _response.Headers["X-Accel-Buffering"] = "no";
    }
}
