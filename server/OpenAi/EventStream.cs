using MegaInfer.Server.OpenAi.Responses;
using MegaInfer.Server.Streaming;

namespace MegaInfer.Server.OpenAi;

/// <summary>
/// A streamed answer: all samples at once, each in order, then usage, then <c>[DONE]</c>. A failure before the first event is an ordinary error answer; after it,
/// an error event ends the stream.
/// </summary>
internal static class EventStream
{
    /// <summary>Writes one sample's events until it has ended.</summary>
    internal delegate Task<bool> SampleWriter(TextStream sample, int index, SseWriter events, CancellationToken cancel);

    public static async Task RunAsync(HttpContext context, Samples samples, SampleWriter writeSample, Func<SseWriter, CancellationToken, Task> writeUsage)
    {
        using var events = new SseWriter(context.Response);
        using CancellationTokenSource others = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        try
        {
            await Together.WhenAllAsync(samples.Streams.Select((sample, i) => writeSample(sample, i, events, others.Token)), others);
            await writeUsage(events, context.RequestAborted);
        }
        catch (ApiException error) when (context.Response.HasStarted)
        {
            await events.WriteAsync(OpenAiJson.Relaxed.ErrorBody, context.RequestAborted, ErrorAnswer.Body(error));
        }

        await events.WriteDoneAsync(context.RequestAborted);
    }
}
