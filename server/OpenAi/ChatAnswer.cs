using MegaInfer.Engine.Tokenization;
using MegaInfer.Server.OpenAi.Responses;
using MegaInfer.Server.Streaming;

namespace MegaInfer.Server.OpenAi;

/// <summary>Writes the samples of a chat in OpenAI's shape, whole or as server-sent events.</summary>
internal sealed class ChatAnswer(AnswerHeader header, Samples samples, GenerationFields fields, bool hasLogProbs, Tokenizer tokenizer)
{
    private const string Assistant = "assistant";

    public async Task WriteWholeAsync(HttpContext context)
    {
        SampleText[] texts = await SampleText.ReadAllAsync(samples, context.RequestAborted);
        var answer = new ChatCompletion(header.Id, header.Created, header.Model, header.Fingerprint, [.. texts.Select(Choice)], samples.Usage(), fields.Sampling.Seed)
        {
            PromptTokenIds = fields.ReturnsTokenIds ? samples.Streams[0].Request.PromptTokens.ToArray() : null,
        };
        await context.Response.WriteAsJsonAsync(answer, OpenAiJson.Relaxed.ChatCompletion, cancellationToken: context.RequestAborted);
    }

    public Task WriteStreamAsync(HttpContext context) => EventStream.RunAsync(context, samples, WriteSampleAsync, WriteUsageAsync);

    private async Task<bool> WriteSampleAsync(TextStream sample, int index, SseWriter events, CancellationToken cancel)
    {
        bool hasBegun = false;
        async Task WriteAsync(ChatChunkChoice choice)
        {
            ChatChunk chunk = Chunk([choice]);
            await (hasBegun ? events.WriteAsync(OpenAiJson.Relaxed.ChatChunk, cancel, chunk) : events.WriteAsync(OpenAiJson.Relaxed.ChatChunk, cancel, First(sample, index), chunk));
            hasBegun = true;
        }

        await foreach (TextChunk chunk in sample.ReadAsync(cancel))
        {
            if (chunk.Text.Length == 0 && !hasLogProbs && !fields.ReturnsTokenIds)
                continue;
            await WriteAsync(new ChatChunkChoice(index, new ChatDelta { Content = chunk.Text }, LogProbs(chunk.Tokens), null) { TokenIds = TokenIds(chunk.Tokens) });
        }

        await WriteAsync(new ChatChunkChoice(index, new ChatDelta(), null, Samples.FinishReasonOf(sample.End)));
        return true;
    }

    private async Task WriteUsageAsync(SseWriter events, CancellationToken cancel)
    {
        if (fields.IncludesUsage)
            await events.WriteAsync(OpenAiJson.Relaxed.ChatChunk, cancel, Chunk([]) with { Usage = new UsageSlot(samples.Usage()) });
    }

    private ChatChunk First(TextStream sample, int index) =>
        Chunk([new ChatChunkChoice(index, new ChatDelta { Role = Assistant, Content = "" }, null, null)]) with
        {
            PromptTokenIds = fields.ReturnsTokenIds ? sample.Request.PromptTokens.ToArray() : null,
        };

    private ChatChunk Chunk(IReadOnlyList<ChatChunkChoice> choices) =>
        new(header.Id, header.Created, header.Model, header.Fingerprint, choices) { Usage = fields.IncludesUsage ? new UsageSlot(null) : null };

    private ChatChoice Choice(SampleText sample, int index) =>
        new(index, new ChatMessageAnswer(Assistant, sample.Text), LogProbs(sample.Tokens), sample.FinishReason) { TokenIds = TokenIds(sample.Tokens) };

    private ChatLogProbs? LogProbs(IReadOnlyList<Engine.Requests.GeneratedToken> tokens) => hasLogProbs ? LogProbTexts.Chat(tokenizer, tokens) : null;

    private int[]? TokenIds(IReadOnlyList<Engine.Requests.GeneratedToken> tokens) => fields.ReturnsTokenIds ? [.. tokens.Select(token => token.Id)] : null;
}
