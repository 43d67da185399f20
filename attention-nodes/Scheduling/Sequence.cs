using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Engine.Sampling;

namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>
/// One generation in progress: its tokens so far, how many of them have keys and values, and the blocks that hold these. Changed by <see cref="Scheduler"/> only.
/// Prompt, resumed and generated tokens are one list; what is not computed yet is computed next, so prefill, decode and recompute are the same thing.
/// </summary>
public sealed class Sequence
{
    private const int RoomTokens = 1024;

    private int[] _tokens;

    internal Sequence(GenerationRequest request, SamplingState sampling, long arrival, long? deadline)
    {
        Request = request;
        Sampling = sampling;
        Arrival = arrival;
        Deadline = deadline;
        PromptCount = request.PromptTokens.Length;
        TokenCount = PromptCount + request.ResumedTokens.Length;
        // Steps allocate nothing while an answer grows into what was asked for, up to a length that few reach.
        int room = TokenCount + Math.Min(request.MaxTokens, RoomTokens);
        _tokens = new int[room];
        BlockTable = new List<BlockId>(BlockPool.BlocksFor(room));
        request.PromptTokens.Span.CopyTo(_tokens);
        request.ResumedTokens.Span.CopyTo(_tokens.AsSpan(PromptCount));
        // Whoever resumes a sequence that has emitted tokens has its prompt logits already.
        LogitsDue = request.PromptLogits && request.ResumedTokens.IsEmpty ? PromptCount : 0;
    }

    public GenerationRequest Request { get; }

    public SequenceId Id => Request.Id;

    /// <summary>What the sampler keeps about it.</summary>
    public SamplingState Sampling { get; }

    /// <summary>Order of arrival: lower is older.</summary>
    public long Arrival { get; }

    /// <summary>Timestamp of the scheduler's clock after which the sequence has expired.</summary>
    public long? Deadline { get; }

    public SequenceStatus Status { get; internal set; } = SequenceStatus.Waiting;

    public SequenceEnd? End { get; internal set; }

    public int PromptCount { get; }

    /// <summary>Prompt, resumed and generated tokens.</summary>
    public int TokenCount { get; private set; }

    /// <summary>Tokens after the prompt, those emitted elsewhere included.</summary>
    public int GeneratedCount => TokenCount - PromptCount;

    /// <summary>Leading tokens whose keys and values are in the cache.</summary>
    public int ComputedCount { get; internal set; }

    /// <summary>Rows that are still to be computed before the next token can be sampled.</summary>
    public int OutstandingRows => TokenCount - ComputedCount;

    /// <summary>Prompt positions, counted from 0, whose logits are to be returned.</summary>
    public int LogitsDue { get; }

    /// <summary>Leading prompt positions whose logits were returned.</summary>
    public int LogitsReturned { get; internal set; }

    /// <summary>Prompt tokens that the prefix cache spared this sequence when it was first admitted.</summary>
    public int CachedTokens { get; internal set; }

    /// <summary>Whether it ever ran.</summary>
    public bool WasAdmitted { get; internal set; }

    /// <summary>Blocks of positions 0..15, 16..31 and so on.</summary>
    public List<BlockId> BlockTable { get; }

    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, TokenCount);

    /// <summary>Whether the row of the last known token yields a token.</summary>
    public bool WantsToken => GeneratedCount < Request.MaxTokens;

    internal void Append(int token)
    {
        if (TokenCount == _tokens.Length)
            Array.Resize(ref _tokens, _tokens.Length * 2);
        _tokens[TokenCount++] = token;
        Sampling.Add(token);
    }
}
