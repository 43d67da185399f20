using MegaInfer.Engine.Requests;
using MegaInfer.Server.Hosting;
using MegaInfer.Server.OpenAi.Responses;
using MegaInfer.Server.Routing;
using MegaInfer.Server.Streaming;

namespace MegaInfer.Server.OpenAi;

/// <summary>The admitted sequences of one HTTP request, as text. Disposing frees what has not ended.</summary>
internal sealed class Samples : IDisposable
{
    private readonly IReadOnlyList<TextStream> _streams;
    private readonly int _perPrompt;

    private Samples(IReadOnlyList<TextStream> streams, int perPrompt)
    {
        _streams = streams;
        _perPrompt = perPrompt;
    }

    /// <summary>By choice index: samples of the first prompt, then of the second.</summary>
    public IReadOnlyList<TextStream> Streams => _streams;

    /// <exception cref="ApiException">503: the queue is full, or the server stops.</exception>
    public static Samples Submit(ServerParts parts, IReadOnlyList<GenerationRequest> requests, ModelText text, GenerationFields fields)
    {
        try
        {
            IReadOnlyList<TokenStream> streams = parts.Router.Submit(requests);
            return new Samples(
                [.. streams.Select(stream => new TextStream(stream, text.Tokenizer, fields.StopStrings, parts.Model.Spec.EosTokenIds))], fields.SampleCount);
        }
        catch (AdmissionException refusal)
        {
            throw ApiException.Overloaded(refusal.Message, refusal.IsStopping, refusal.RetryAfter);
        }
    }

    /// <summary>After all have ended. A prompt counts once, however many samples were drawn from it.</summary>
    public Usage Usage()
    {
        TextStream[] firsts = [.. _streams.Where((_, i) => i % _perPrompt == 0)];
        int prompt = firsts.Sum(stream => stream.Request.PromptTokens.Length);
        int generated = _streams.Sum(stream => stream.TokenCount);
        return new Usage(prompt, generated, prompt + generated, new PromptTokensDetails(firsts.Sum(stream => stream.End.CachedTokens)));
    }

    /// <summary>How a sample ended, in OpenAI's words.</summary>
    /// <exception cref="ApiException">It was not finished.</exception>
    public static string FinishReasonOf(SequenceEnd end) => end.Reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.Length => "length",
        FinishReason.DeadlineExceeded => throw ApiException.DeadlineExceeded(),
        _ when end.IsUnavailable => throw ApiException.Unavailable(end.Message),
        _ => throw ApiException.Failed(end.Message.Length > 0 ? end.Message : "The sequence was cancelled."),
    };

    public void Dispose()
    {
        foreach (TextStream stream in _streams)
            stream.Dispose();
    }
}
