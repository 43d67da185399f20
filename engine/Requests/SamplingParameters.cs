namespace MegaInfer.Engine.Requests;

/// <summary>
/// How a token is drawn from logits. Order of application: logit bias, repetition penalty, presence and frequency penalties, temperature, top-k, top-p, min-p, draw.
/// Log-probabilities that are reported come from the raw logits, before all of this.
/// </summary>
public sealed record SamplingParameters
{
    /// <summary>0 is greedy: the largest logit, ties to the lower token id. Otherwise 0 &lt; temperature.</summary>
    public float Temperature { get; init; } = 1f;

    /// <summary>Keep the k most likely tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Keep the smallest set of most likely tokens whose probabilities sum to at least this; in (0, 1].</summary>
    public float TopP { get; init; } = 1f;

    /// <summary>Keep tokens at least this share as likely as the most likely one; in [0, 1].</summary>
    public float MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens seen in prompt or output; 1 is off.</summary>
    public float RepetitionPenalty { get; init; } = 1f;

    /// <summary>Subtracted once from each token already generated.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted for each time a token was already generated.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Added to the logits of these token ids.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = new Dictionary<int, float>();

    /// <summary>Draws are keyed by (seed, sample index, absolute position, draw), so a token depends on nothing else.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Which of a request's n samples this is, 0-based.</summary>
    public int SampleIndex { get; init; }
}
