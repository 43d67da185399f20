using System.Globalization;
using MegaInfer.Engine.Requests;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.OpenAi;

/// <summary>POST /v1/completions: prompts as they are, text or token ids, without a chat template.</summary>
internal sealed class CompletionsEndpoint(ServerParts parts)
{
    // OpenAI's own default for this endpoint.
    private const int DefaultMaxTokens = 16;

    public async Task HandleAsync(HttpContext context)
    {
        ModelText text = await parts.Model.Text;
        using RequestBody body = await RequestBody.ReadAsync(context, ApiEndpoint.Completions);
        ModelNames.Check(body, parts.Model.Name);
        GenerationFields fields = GenerationFields.Read(body, context.Request.Headers, text.Defaults, parts.Identities.NextSeed);
        int? topLogProbs = body.Integer("logprobs", 0, RequestValidation.MaximumTopLogProbs);
        bool echoes = body.Flag("echo");
        if (echoes && topLogProbs is not null)
            throw ApiException.Unsupported("echo", "Unsupported parameter: 'echo' together with 'logprobs' is not supported by this server; leave one out.");
        IReadOnlyList<int[]> prompts = CompletionPrompts.Read(body, text);

        IReadOnlyList<GenerationRequest> requests = new GenerationBuilder(parts).Build(prompts, "prompt", fields, topLogProbs ?? 0, DefaultMaxTokens);
        using Samples samples = Samples.Submit(parts, requests, text, fields);
        context.Response.Headers["X-Seed"] = fields.Sampling.Seed.ToString(CultureInfo.InvariantCulture);
        var answer = new CompletionAnswer(AnswerHeader.Of(context, parts, "cmpl"), samples, fields, topLogProbs is not null, echoes, text.Tokenizer);
        await (fields.IsStreamed ? answer.WriteStreamAsync(context) : answer.WriteWholeAsync(context));
    }
}
