namespace MegaInfer.ExpertNodes.Pipeline;

/// <summary>
/// How long a layer's first rows wait for the other attention nodes that are in phase: a share of the time that the layer's experts take, so that the
/// wait can never cost more than that share, while each sender that arrives within it saves a whole reading of the weights. Where the nodes share
/// the same cores a waiting expert node leaves its cores to the senders it waits for, and a larger share pays.
/// </summary>
/// <param name="Share">Of the measured expert time; 0 never waits.</param>
public sealed record GatherPolicy(double Share = GatherPolicy.DefaultShare)
{
    /// <summary>For nodes that own their cores.</summary>
    public const double DefaultShare = 0.1;

    /// <summary>For nodes on the same cores as their senders.</summary>
    public const double SharedCoresShare = 1.0;

    /// <summary>No window is longer than this, whatever was measured: 20 ms.</summary>
    public const int LongestUs = 20_000;

    /// <summary>The window in whole microseconds; 0 (do not wait) as long as nothing has been measured.</summary>
    /// <param name="meanComputeUs">Running mean of the layer's expert time, microseconds.</param>
    public int WindowUs(double meanComputeUs)
    {
        double window = Share * meanComputeUs;
        return window > 0 ? (int)Math.Min(window, LongestUs) : 0;
    }
}
