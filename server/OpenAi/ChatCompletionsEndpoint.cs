using System.Globalization;
using MegaInfer.Engine.Requests;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.OpenAi;

/// <summary>
/// POST /v1/chat/completions, where a token's life begins: the JSON is checked, the conversation becomes a prompt, the prompt becomes ids, and n sequences are
/// submitted. Nothing behind this knows JSON.
/// </summary>
internal sealed class ChatCompletionsEndpoint(ServerParts parts)
{
    public async Task HandleAsync(HttpContext context)
    {
        ModelText text = await parts.Model.Text;
        using RequestBody body = await RequestBody.ReadAsync(context, ApiEndpoint.Chat);
        ModelNames.Check(body, parts.Model.Name);
        GenerationFields fields = GenerationFields.Read(body, context.Request.Headers, text.Defaults, parts.Identities.NextSeed);
        (bool hasLogProbs, int topLogProbs) = ReadLogProbs(body);
        int[] prompt = ChatPrompt.Encode(body, text);

        IReadOnlyList<GenerationRequest> requests = new GenerationBuilder(parts).Build([prompt], "messages", fields, topLogProbs, defaultMaxTokens: null);
        using Samples samples = Samples.Submit(parts, requests, text, fields);
        context.Response.Headers["X-Seed"] = fields.Sampling.Seed.ToString(CultureInfo.InvariantCulture);
        var answer = new ChatAnswer(AnswerHeader.Of(context, parts, "chatcmpl"), samples, fields, hasLogProbs, text.Tokenizer);
        await (fields.IsStreamed ? answer.WriteStreamAsync(context) : answer.WriteWholeAsync(context));
    }

    private static (bool HasLogProbs, int Top) ReadLogProbs(RequestBody body)
    {
        bool hasLogProbs = body.Flag("logprobs");
        int top = body.Integer("top_logprobs", 0, RequestValidation.MaximumTopLogProbs) ?? 0;
        return hasLogProbs || top == 0
            ? (hasLogProbs, top)
            : throw ApiException.Invalid("top_logprobs", "'top_logprobs' is only allowed where 'logprobs' is true.");
    }
}
