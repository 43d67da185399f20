using System.Diagnostics;
using MegaInfer.AttentionNodes.KvCache;
using MegaInfer.Engine;

namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>Who may begin: takes a sequence's KV blocks, from the prefix cache where they are there, or says why not yet. One owner: the scheduler.</summary>
internal sealed class AdmissionPolicy(KvSpace kv, WeightVersion version)
{
    /// <summary>Lets a waiting sequence run if it may: its blocks are then taken and what the cache holds of it counts as computed. Else it holds nothing.</summary>
    /// <param name="running">Every sequence that runs.</param>
    public Admission Try(Sequence sequence, List<Sequence> running)
    {
        Debug.Assert(sequence.BlockTable.Count == 0, "A waiting sequence holds no blocks.");
        // The last token is always computed: its row yields the next one. Prompt logits need every row.
        bool mayReuse = kv.HasPrefixCache && sequence.LogitsReturned >= sequence.LogitsDue;
        int reused = mayReuse ? kv.Reuse(version, sequence.Tokens, sequence.TokenCount - 1, sequence.BlockTable) : 0;
        int needed = BlockPool.BlocksFor(sequence.TokenCount) - sequence.BlockTable.Count;
        bool isDeferred = mayReuse && IsInTheMaking(sequence.Tokens[..^1], reused + BlockPool.BlockTokens, running);
        if (isDeferred || !SchedulingRules.CanAdmit(needed, kv.AvailableCount, running.Count) || !kv.TryGrow(sequence.BlockTable, sequence.TokenCount))
        {
            kv.Release(sequence.BlockTable);
            return isDeferred ? Admission.Deferred : Admission.NoRoom;
        }

        sequence.ComputedCount = reused;
        sequence.Status = SequenceStatus.Running;
        if (!sequence.WasAdmitted)
            sequence.CachedTokens = Math.Min(reused, sequence.PromptCount);
        sequence.WasAdmitted = true;
        kv.CountReused(reused);
        return Admission.Admitted;
    }

    /// <summary>
    /// Whether a running sequence is about to compute the block that these tokens need next: the samples of one prompt arrive together, and only the first should
    /// compute it. The others wait for the cache; nobody behind them does.
    /// </summary>
    private static bool IsInTheMaking(ReadOnlySpan<int> tokens, int length, List<Sequence> running)
    {
        if (tokens.Length < length)
            return false;
        foreach (Sequence maker in running)
        {
            if (maker.ComputedCount < length && maker.TokenCount >= length && maker.Tokens[..length].SequenceEqual(tokens[..length]))
                return true;
        }

        return false;
    }
}
