using MegaInfer.Engine.Requests;

namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>The scheduler's decisions as pure functions: what to do, not the doing.</summary>
public static class SchedulingRules
{
    /// <summary>Rows of a sequence's next chunk.</summary>
    /// <param name="outstanding">Rows it still needs.</param>
    /// <param name="chunkLimit">Rows one sequence may have.</param>
    /// <param name="budget">Rows left in the step.</param>
    public static int ChunkRows(int outstanding, int chunkLimit, int budget) => Math.Max(0, Math.Min(outstanding, Math.Min(chunkLimit, budget)));

    /// <summary>
    /// Whether a sequence that needs <paramref name="blocksNeeded"/> more blocks may start. Beside running sequences it leaves each of them one block to grow
    /// into, or the newcomer would be preempted by the next decode step.
    /// </summary>
    public static bool CanAdmit(int blocksNeeded, int blocksAvailable, int runningCount) =>
        blocksNeeded + runningCount <= blocksAvailable;

    /// <summary>Why a request cannot be taken at all, as one sentence; null when it can.</summary>
    /// <param name="tokens">Prompt and resumed tokens.</param>
    public static string? RefusalOf(GenerationRequest request, int tokens, SchedulerLimits limits, int kvTokenCapacity, int waitingCount)
    {
        if (request.PromptTokens.IsEmpty)
            return "The prompt has no tokens; send at least one.";
        // A generated token needs a position of its own; prompt logits alone do not.
        int positions = request.MaxTokens > 0 && request.ResumedTokens.IsEmpty ? tokens + 1 : tokens;
        if (positions > limits.ContextLength)
            return $"The prompt has {tokens} tokens and the model's context holds {limits.ContextLength}; shorten it.";
        if (tokens > kvTokenCapacity)
            return $"The prompt has {tokens} tokens and this node's KV cache holds {kvTokenCapacity}; shorten it or give the node more KV blocks.";
        if (waitingCount >= limits.MaxWaiting)
            return $"The attention node's queue is full ({limits.MaxWaiting} sequences wait); try again later.";
        return null;
    }

    /// <summary>
    /// Whether a sequence is at its end, asked after each token and, where no token is to be sampled, when its rows are computed. A
    /// stop token wins over the length it also reaches.
    /// </summary>
    /// <param name="isStopToken">The last token is one that ends this sequence.</param>
    public static FinishReason? EndOf(bool isStopToken, int generated, int tokens, GenerationRequest request, int contextLength)
    {
        if (isStopToken && generated >= request.MinTokens)
            return FinishReason.Stop;
        return generated >= request.MaxTokens || tokens >= contextLength ? FinishReason.Length : null;
    }

    /// <summary>Whether a token ends a sequence of this request (once it has its minimum length).</summary>
    public static bool IsStopToken(int token, GenerationRequest request, IReadOnlyList<int> eosTokenIds) =>
        Contains(request.StopTokenIds, token) || (!request.IgnoreEos && Contains(eosTokenIds, token));

    private static bool Contains(IReadOnlyList<int> ids, int token)
    {
        for (int i = 0; i < ids.Count; i++)
        {
            if (ids[i] == token)
                return true;
        }

        return false;
    }
}
