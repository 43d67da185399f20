using MegaInfer.Engine.Requests;
using MegaInfer.Engine.Tokenization;
using MegaInfer.Server.OpenAi.Responses;
using MegaInfer.Server.Streaming;

namespace MegaInfer.Server.OpenAi;

/// <summary>Writes the samples of a completion in OpenAI's older shape, whole or as server-sent events.</summary>
internal sealed class CompletionAnswer(AnswerHeader header, Samples samples, GenerationFields fields, bool hasLogProbs, bool echoes, Tokenizer tokenizer)
{
    public async Task WriteWholeAsync(HttpContext context)
    {
        SampleText[] texts = await SampleText.ReadAllAsync(samples, context.RequestAborted);
        Completion answer = Part([.. texts.Select(Choice)]) with { Usage = new UsageSlot(samples.Usage()), Seed = fields.Sampling.Seed };
        await context.Response.WriteAsJsonAsync(answer, OpenAiJson.Relaxed.Completion, cancellationToken: context.RequestAborted);
    }

    public Task WriteStreamAsync(HttpContext context) => EventStream.RunAsync(context, samples, WriteSampleAsync, WriteUsageAsync);

    private async Task<bool> WriteSampleAsync(TextStream sample, int index, SseWriter events, CancellationToken cancel)
    {
        bool isFirst = true;
        int offset = 0;
        Task WriteAsync(CompletionChoice choice)
        {
            if (isFirst && fields.ReturnsTokenIds)
                choice = choice with { PromptTokenIds = sample.Request.PromptTokens.ToArray() };
            isFirst = false;
            return events.WriteAsync(OpenAiJson.Relaxed.Completion, cancel, Part([choice]) with { Usage = fields.IncludesUsage ? new UsageSlot(null) : null });
        }

        string echo = Echo(sample);
        await foreach (TextChunk chunk in sample.ReadAsync(cancel))
        {
            if (chunk.Text.Length == 0 && !hasLogProbs && !fields.ReturnsTokenIds)
                continue;
            CompletionLogProbs? logProbs = hasLogProbs ? LogProbTexts.Completion(tokenizer, chunk.Tokens, ref offset) : null;
            await WriteAsync(new CompletionChoice(index, echo + chunk.Text, logProbs, null) { TokenIds = TokenIds(chunk.Tokens) });
            echo = "";
        }

        await WriteAsync(new CompletionChoice(index, echo, null, Samples.FinishReasonOf(sample.End)));
        return true;
    }

    private async Task WriteUsageAsync(SseWriter events, CancellationToken cancel)
    {
        if (fields.IncludesUsage)
            await events.WriteAsync(OpenAiJson.Relaxed.Completion, cancel, Part([]) with { Usage = new UsageSlot(samples.Usage()) });
    }

    private CompletionChoice Choice(SampleText sample, int index)
    {
        int offset = 0;
        TextStream stream = samples.Streams[index];
        return new CompletionChoice(
            index, Echo(stream) + sample.Text, hasLogProbs ? LogProbTexts.Completion(tokenizer, sample.Tokens, ref offset) : null, sample.FinishReason)
        {
            TokenIds = TokenIds(sample.Tokens),
            PromptTokenIds = fields.ReturnsTokenIds ? stream.Request.PromptTokens.ToArray() : null,
        };
    }

    private string Echo(TextStream sample) => echoes ? tokenizer.Decode(sample.Request.PromptTokens.Span, skipSpecial: true) : "";

    private Completion Part(IReadOnlyList<CompletionChoice> choices) => new(header.Id, header.Created, header.Model, header.Fingerprint, choices);

    private int[]? TokenIds(IReadOnlyList<GeneratedToken> tokens) => fields.ReturnsTokenIds ? [.. tokens.Select(token => token.Id)] : null;
}
