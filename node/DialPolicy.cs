namespace MegaInfer.Node;

/// <summary>
/// When a node dials the server again. A child's server was listening when it started the child, so a few tries suffice; a node from outside outlives
/// its server and tries for as long as it runs.
/// </summary>
internal sealed class DialPolicy(bool isChild)
{
    internal const int ChildTries = 5;
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <summary>The pause before the next try after so many failures in a row (1 or more); null: give up.</summary>
    internal TimeSpan? NextDelay(int failures)
    {
        if (isChild && failures >= ChildTries)
            return null;
        double factor = Math.Pow(2, Math.Min(failures - 1, 16));
        return TimeSpan.FromTicks((long)Math.Min(First.Ticks * factor, Longest.Ticks));
    }
}
