using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Server.Streaming;

namespace MegaInfer.Server.Routing;

/// <summary>
/// One admitted sequence, from admission to its only end. Guarded by the router's lock.
/// <code>
/// waiting -> running (on one node) -> ended
///    ^----------'  its node was lost: it waits again, with the tokens it already emitted
/// </code>
/// </summary>
internal sealed class RoutedSequence(GenerationRequest request, TokenStream stream, long admittedAt)
{
    // A request without a limit of its own asks for the rest of the context and rarely uses it.
    private const int AssumedTokens = 256;

    public GenerationRequest Request => request;

    public SequenceId Id => request.Id;

    public TokenStream Stream => stream;

    /// <summary>When it was admitted, as a timestamp of the router's clock.</summary>
    public long AdmittedAt => admittedAt;

    /// <summary>When its first token came; meaningless before.</summary>
    public long FirstTokenAt { get; set; }

    /// <summary>Tokens that the client has been given, in order; what another node continues from.</summary>
    public List<int> Emitted { get; } = [];

    /// <summary>The node that works on it; null while it waits.</summary>
    public AttentionLink? Link { get; set; }

    public bool HasEnded { get; set; }

    public ITimer? DeadlineTimer { get; set; }

    /// <summary>What it adds to its node's <see cref="AttentionLink.OutstandingTokens"/>.</summary>
    public long Load { get; set; }

    /// <summary>Bytes of prompt logits that were handed on.</summary>
    public long LogitsBytes { get; set; }

    /// <summary>Bytes of prompt logits that its new node will send again after a move.</summary>
    public long LogitsToSkip { get; set; }

    public long EstimateLoad() => request.PromptTokens.Length + Emitted.Count + Math.Min(AssumedTokens, request.MaxTokens - Emitted.Count);

    /// <summary>Why it is complete although no node said so, which can be when its node was lost between its last token and the end; null: it is not.</summary>
    public FinishReason? ImpliedEnd(IReadOnlyList<int> eosTokenIds)
    {
        if (Emitted.Count == 0)
            return null;
        int last = Emitted[^1];
        bool isStop = request.StopTokenIds.Contains(last) || (!request.IgnoreEos && eosTokenIds.Contains(last));
        if (isStop && Emitted.Count >= request.MinTokens)
            return FinishReason.Stop;
        return Emitted.Count >= request.MaxTokens ? FinishReason.Length : null;
    }
}
