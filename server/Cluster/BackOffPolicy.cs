namespace MegaInfer.Server.Cluster;

/// <summary>How long a crashed child waits before it is started again: at once the first time, then twice as long each time, until it has run well for a while.</summary>
internal static class BackOffPolicy
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>A child that ran for this long is taken to be well.</summary>
    public static TimeSpan WellAfter { get; } = TimeSpan.FromSeconds(30);

    /// <param name="crashesInARow">1 or more.</param>
    public static TimeSpan Delay(int crashesInARow) =>
        TimeSpan.FromTicks((long)Math.Min(First.Ticks * Math.Pow(2, Math.Min(crashesInARow - 1, 30)), Longest.Ticks));
}
