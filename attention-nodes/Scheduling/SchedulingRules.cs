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

    /// <summary>Rows of a step at most: beside decode rows, prompt rows are added until the step is expected to take the target.</summary>
    /// <param name="decodeRows">Rows it has already.</param>
    public static int StepRows(int decodeRows, SchedulerLimits limits, StepPace pace)
    {
        if (decodeRows == 0 || limits.StepTarget == TimeSpan.Zero)
            return limits.MaxStepRows;
        int least = decodeRows + limits.LeastChunkRows;
        return Math.Min(limits.MaxStepRows, Math.Max(least, pace.RowsWithin(limits.StepTarget)));
    }

    /// <summary>
    /// Whether a sequence that needs <paramref name="blocksNeeded"/> more blocks may start. Beside running sequences it leaves each of them one block to grow
    /// into, or the newcomer would be preempted by the next decode step.
    /// </summary>
    public static bool CanAdmit(int blocksNeeded, int blocksAvailable, int runningCount) =>
        blocksNeeded + runningCount <= blocksAvailable;

    /// <summary>Why this node cannot take a sound request, as one sentence; null when it can.</summary>
    /// <param name="tokens">Prompt and resumed tokens.</param>
    public static string? RefusalOf(int tokens, int kvTokenCapacity, int waitingCount, int maxWaiting)
    {
        if (tokens > kvTokenCapacity)
            return $"The prompt has {tokens} tokens and this node's KV cache holds {kvTokenCapacity}; shorten it or give the node more KV blocks.";
        if (waitingCount >= maxWaiting)
            return $"The attention node's queue is full ({maxWaiting} sequences wait); try again later.";
        return null;
    }

    /// <summary>
    /// Whether a sequence is at its end, asked after each token. A stop token wins over the length it also reaches; none is sampled before the minimum.
    /// </summary>
    /// <param name="isStop">The last token is one that ends this sequence.</param>
    public static FinishReason? EndOf(bool isStop, int generated, int maxTokens, int tokens, int contextLength)
    {
        if (isStop)
            return FinishReason.Stop;
        return generated >= maxTokens || tokens >= contextLength ? FinishReason.Length : null;
    }
}
