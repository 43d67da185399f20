using MegaInfer.Engine.Requests;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.OpenAi;

/// <summary>Makes the sequences of one HTTP request: every sample of every prompt, checked against the model.</summary>
internal sealed class GenerationBuilder(ServerParts parts)
{
    /// <param name="prompts">Token ids of each prompt.</param>
    /// <param name="promptField">Where they came from, for error sentences: prompt or messages.</param>
    /// <param name="fields">Everything else.</param>
    /// <param name="topLogProbs">Alternatives with each token.</param>
    /// <param name="defaultMaxTokens">Where the request says nothing; null: the rest of the context.</param>
    /// <returns>Samples of the first prompt, then of the second, and so on.</returns>
    /// <exception cref="ApiException">The first thing that is out of bounds.</exception>
    public IReadOnlyList<GenerationRequest> Build(IReadOnlyList<int[]> prompts, string promptField, GenerationFields fields, int topLogProbs, int? defaultMaxTokens)
    {
        int count = prompts.Count * fields.SampleCount;
        if (count > parts.Router.MaxAdmitted)
            throw ApiException.Invalid("n", $"{prompts.Count} prompts with n = {fields.SampleCount} are {count} sequences, more than the {parts.Router.MaxAdmitted} this server can hold; send fewer at a time.");
        var requests = new List<GenerationRequest>(count);
        foreach (int[] prompt in prompts)
        {
            GenerationRequest first = BuildFirst(prompt, promptField, fields, topLogProbs, defaultMaxTokens);
            for (int i = 0; i < fields.SampleCount; i++)
                requests.Add(i == 0 ? first : first with { Id = parts.Router.NextId(), Sampling = first.Sampling with { SampleIndex = i } });
        }

        return requests;
    }

    private GenerationRequest BuildFirst(int[] prompt, string promptField, GenerationFields fields, int topLogProbs, int? defaultMaxTokens)
    {
        int context = parts.Model.Spec.ContextLength;
        if (prompt.Length >= context)
        {
            throw ApiException.ContextLength(
                promptField, $"This model's maximum context length is {context} tokens, but '{promptField}' has {prompt.Length} and at least one more must fit; shorten it.");
        }

        int room = context - prompt.Length;
        var request = new GenerationRequest
        {
            Id = parts.Router.NextId(),
            PromptTokens = prompt,
            Sampling = fields.Sampling,
            // An upper bound, as documented: a text may also end because the context is full.
            MaxTokens = Math.Min(fields.MaxTokens ?? defaultMaxTokens ?? room, room),
            MinTokens = fields.MinTokens,
            StopTokenIds = fields.StopTokenIds,
            IgnoreEos = fields.IgnoresEos,
            TopLogProbs = topLogProbs,
            Deadline = fields.Deadline,
        };
        if (request.Validate(parts.Model.Spec) is { } problem)
            throw problem.Field == "prompt" ? ApiException.Invalid(promptField, problem.Message) : ApiException.Of(problem);
        return request;
    }
}
