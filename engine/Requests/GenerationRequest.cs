namespace MegaInfer.Engine.Requests;

/// <summary>
/// What a client asked for, for one sequence: immutable, made by the server, carried to one attention node. A client request with <c>n = 4</c> makes
/// four of these with the same seed and sample indexes 0..3.
/// </summary>
public sealed record GenerationRequest
{
    public required SequenceId Id { get; init; }

    /// <summary>At least one token, each below the vocabulary size; fewer than the context length.</summary>
    public required ReadOnlyMemory<int> PromptTokens { get; init; }

    public required SamplingParameters Sampling { get; init; }

    /// <summary>Tokens to generate at most; at least 1 unless <see cref="PromptLogits"/> is asked for, where 0 is legal.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Stop tokens are not sampled before this many tokens are generated.</summary>
    public int MinTokens { get; init; }

    /// <summary>Any of these ends the sequence; the token itself is emitted last with <see cref="FinishReason.Stop"/>.</summary>
    public IReadOnlyList<int> StopTokenIds { get; init; } = [];

    /// <summary>The model's own end tokens do not end the sequence.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>How many of the most likely alternatives come with each token: 0..20.</summary>
    public int TopLogProbs { get; init; }

    /// <summary>Return the logits of every prompt position, <c>[prompt tokens, vocabulary]</c> float32, before the first token.</summary>
    public bool PromptLogits { get; init; }

    /// <summary>Tokens that a sequence already emitted elsewhere before it was moved here: continue after them, counting them as generated.</summary>
    public ReadOnlyMemory<int> ResumedTokens { get; init; }

    /// <summary>Time left when the node receives it; the sequence ends with <see cref="FinishReason.DeadlineExceeded"/> after it. Null: none.</summary>
    public TimeSpan? Deadline { get; init; }
}
