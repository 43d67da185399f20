using MegaInfer.Engine;

namespace MegaInfer.Server.Routing;

/// <summary>Which attention node a sequence goes to: the one that has its prefix cached unless that one is much busier, else the one with the least work left.</summary>
internal static class AttentionNodePolicy
{
    // Tokens of work that a node with the prefix may have more than the idlest one: waiting longer than that costs more than computing the prefix again.
    private const long Slack = 256;

    /// <returns>Null: none has room.</returns>
    public static AttentionLink? Choose(IEnumerable<AttentionLink> links, NodeId? preferred, int promptTokens)
    {
        AttentionLink? least = null;
        AttentionLink? withPrefix = null;
        foreach (AttentionLink link in links)
        {
            if (!link.HasRoom)
                continue;
            if (least is null || (link.OutstandingTokens, link.NodeId.Value).CompareTo((least.OutstandingTokens, least.NodeId.Value)) < 0)
                least = link;
            if (link.NodeId == preferred)
                withPrefix = link;
        }

        return withPrefix?.OutstandingTokens <= least?.OutstandingTokens + Math.Max(Slack, promptTokens) ? withPrefix : least;
    }
}
