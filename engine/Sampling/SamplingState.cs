using MegaInfer.Engine.Model;
using MegaInfer.Engine.Requests;

namespace MegaInfer.Engine.Sampling;

/// <summary>
/// What the sampler has to know about one sequence: its parameters, which tokens occurred and how often, and which tokens end it. One owner; everything is
/// sized when it is made, so that steps do not allocate.
/// </summary>
public sealed class SamplingState
{
    private readonly KeyValuePair<int, float>[] _bias;
    private readonly int[] _stopTokens;
    private readonly int _minTokens;
    private readonly Dictionary<int, int>? _generatedCounts; // every token seen; 0: in the prompt only

    /// <summary>The state before the first token: the prompt and any tokens emitted elsewhere before are counted.</summary>
    public SamplingState(GenerationRequest request, ModelSpec spec)
    {
        Parameters = request.Sampling;
        _bias = [.. Parameters.LogitBias];
        IEnumerable<int> stops = request.IgnoreEos ? request.StopTokenIds : request.StopTokenIds.Concat(spec.EosTokenIds);
        _stopTokens = [.. stops.Distinct()];
        _minTokens = request.MinTokens;
        if (UsesCounts(Parameters))
        {
            long most = Math.Min((long)request.PromptTokens.Length + request.MaxTokens, spec.VocabularySize);
            _generatedCounts = new Dictionary<int, int>((int)most);
            foreach (int token in request.PromptTokens.Span)
                _generatedCounts.TryAdd(token, 0);
        }

        foreach (int token in request.ResumedTokens.Span)
            Add(token);
    }

    public SamplingParameters Parameters { get; }

    /// <summary>Tokens generated so far, resumed ones included.</summary>
    public int GeneratedCount { get; private set; }

    /// <summary>Counts a token as generated.</summary>
    public void Add(int token)
    {
        GeneratedCount++;
        if (_generatedCounts is not null)
            _generatedCounts[token] = _generatedCounts.GetValueOrDefault(token) + 1;
    }

    /// <summary>The token ends the sequence: a stop token, or the model's own end token unless that is ignored.</summary>
    public bool IsStop(int token) => Array.IndexOf(_stopTokens, token) >= 0;

    /// <summary>The next token is the one of the greatest raw logit.</summary>
    public bool IsGreedy => IsPlain && Parameters.Temperature == 0;

    /// <summary>True where <see cref="Adjust"/> leaves the logits as they are.</summary>
    internal bool IsPlain => _bias.Length == 0 && _generatedCounts is null && !MustGoOn;

    private bool MustGoOn => GeneratedCount < _minTokens && _stopTokens.Length > 0;

    /// <summary>Applies bias, then repetition, presence and frequency penalties, then rules out stop tokens while the minimum is not reached.</summary>
    internal void Adjust(Span<float> logits)
    {
        foreach ((int token, float bias) in _bias)
            logits[token] += bias;
        if (_generatedCounts is not null)
            Penalize(logits, _generatedCounts);
        if (!MustGoOn)
            return;
        foreach (int token in _stopTokens)
            logits[token] = float.NegativeInfinity;
    }

    private void Penalize(Span<float> logits, Dictionary<int, int> generatedCounts)
    {
        // Each token by itself, so the dictionary's order does not matter.
        foreach ((int token, int count) in generatedCounts)
        {
            float logit = logits[token];
            logit = logit > 0 ? logit / Parameters.RepetitionPenalty : logit * Parameters.RepetitionPenalty;
            if (count > 0)
            {
                logit -= Parameters.PresencePenalty;
                logit -= Parameters.FrequencyPenalty * count;
            }

            logits[token] = logit;
        }
    }

    private static bool UsesCounts(SamplingParameters parameters) =>
        parameters.RepetitionPenalty != 1f || parameters.PresencePenalty != 0f || parameters.FrequencyPenalty != 0f;
}
