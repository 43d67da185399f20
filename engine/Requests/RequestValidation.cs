using System.Globalization;
using System.Numerics;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Requests;

/// <summary>The bounds of every request field, in one place for all doors. The first problem found is reported; null is none.</summary>
public static class RequestValidation
{
    public const int MaximumTopLogProbs = 20;
    public const float MaximumPenalty = 2f;
    public const float MaximumLogitBias = 100f;
    public static readonly TimeSpan MaximumDeadline = TimeSpan.FromHours(24);

    public static RequestProblem? Validate(this SamplingParameters sampling, ModelSpec spec) =>
        Check("temperature", sampling.Temperature, value => value >= 0, "0 or larger")
        ?? Check("top_k", sampling.TopK, value => value >= 0, "0 (all) or larger")
        ?? Check("top_p", sampling.TopP, value => value is > 0 and <= 1, "above 0 and at most 1")
        ?? Check("min_p", sampling.MinP, value => value is >= 0 and <= 1, "between 0 and 1")
        ?? Check("repetition_penalty", sampling.RepetitionPenalty, value => value > 0, "above 0")
        ?? Check("presence_penalty", sampling.PresencePenalty, IsPenalty, "between -2 and 2")
        ?? Check("frequency_penalty", sampling.FrequencyPenalty, IsPenalty, "between -2 and 2")
        ?? Check("sample_index", sampling.SampleIndex, value => value >= 0, "0 or larger")
        ?? CheckBias(sampling.LogitBias, spec.VocabularySize);

    public static RequestProblem? Validate(this GenerationRequest request, ModelSpec spec)
    {
        int least = request.PromptLogits ? 0 : 1;
        return CheckPrompt(request, spec)
            ?? request.Sampling.Validate(spec)
            ?? Check("max_tokens", request.MaxTokens, value => value >= least, $"{least} or larger")
            ?? Check("min_tokens", request.MinTokens, value => value >= 0 && value <= request.MaxTokens, "between 0 and max_tokens")
            ?? Check("top_logprobs", request.TopLogProbs, value => value is >= 0 and <= MaximumTopLogProbs, "between 0 and 20")
            ?? CheckTokens("stop_token_ids", request.StopTokenIds, spec.VocabularySize)
            ?? CheckDeadline(request.Deadline);
    }

    private static RequestProblem? CheckDeadline(TimeSpan? deadline) =>
        deadline <= TimeSpan.Zero || deadline > MaximumDeadline
            ? new RequestProblem("deadline", $"deadline must be longer than 0 and at most {MaximumDeadline.TotalHours:0} hours.")
            : null;

    private static RequestProblem? CheckPrompt(GenerationRequest request, ModelSpec spec)
    {
        int length = request.PromptTokens.Length + request.ResumedTokens.Length;
        if (request.PromptTokens.IsEmpty)
            return new RequestProblem("prompt", "prompt must hold at least one token.");
        // A generated token needs a position of its own; prompt logits alone do not.
        if (length + Math.Min(request.MaxTokens, 1) > spec.ContextLength)
        {
            return new RequestProblem(
                "prompt", $"prompt has {length} tokens, but the model's context of {spec.ContextLength} tokens must hold it and what is generated; shorten it.");
        }

        return CheckTokens("prompt", request.PromptTokens.ToArray(), spec.VocabularySize)
            ?? CheckTokens("resumed_tokens", request.ResumedTokens.ToArray(), spec.VocabularySize);
    }

    private static RequestProblem? CheckBias(IReadOnlyDictionary<int, float> bias, int vocabularySize) =>
        CheckTokens("logit_bias", bias.Keys, vocabularySize)
        ?? bias.Values.Select(value => Check("logit_bias", value, IsBias, "between -100 and 100")).FirstOrDefault(problem => problem is not null);

    private static RequestProblem? CheckTokens(string field, IEnumerable<int> tokens, int vocabularySize)
    {
        foreach (int token in tokens)
        {
            if (token < 0 || token >= vocabularySize)
                return new RequestProblem(field, $"{field} names token {token}; this model's tokens are 0 to {vocabularySize - 1}.");
        }

        return null;
    }

    private static RequestProblem? Check<T>(string field, T value, Func<T, bool> isAllowed, string allowed)
        where T : INumber<T> =>
        T.IsFinite(value) && isAllowed(value)
            ? null
            : new RequestProblem(field, string.Create(CultureInfo.InvariantCulture, $"{field} must be {allowed}, found {value}."));

    private static bool IsPenalty(float value) => Math.Abs(value) <= MaximumPenalty;

    private static bool IsBias(float value) => Math.Abs(value) <= MaximumLogitBias;
}
