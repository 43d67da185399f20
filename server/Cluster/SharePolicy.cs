namespace MegaInfer.Server.Cluster;

/// <summary>Which share of the experts a new expert node takes: a vacant one first, so that the placement is whole again, else one more replica of the share with the fewest holders.</summary>
internal static class SharePolicy
{
    /// <param name="shareCount">Shares that the experts are cut into.</param>
    /// <param name="held">The share of each expert node that is loading or ready.</param>
    /// <param name="preferred">Taken among equals: a restarted child's own share; -1: none.</param>
    public static int Choose(int shareCount, IEnumerable<int> held, int preferred)
    {
        int[] holders = new int[shareCount];
        foreach (int share in held)
            holders[share]++;
        int fewest = holders.Min();
        return preferred >= 0 && preferred < shareCount && holders[preferred] == fewest ? preferred : Array.IndexOf(holders, fewest);
    }
}
