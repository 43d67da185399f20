using MegaInfer.M2N;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// Follows how long the experts have failed this node, from the first failure to the next step that succeeds: when to run the step again, and when to
/// give up. One owner: the node loop.
/// </summary>
public sealed class OutageWatch(TimeSpan limit, TimeProvider time)
{
    private const int ImmediateRetries = 1;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    private long? _since;
    private int _failures;
    private M2NStatus _last;

    /// <summary>A step succeeded.</summary>
    public void End()
    {
        _since = null;
        _failures = 0;
    }

    /// <summary>A step failed, or (<see cref="M2NStatus.Pending"/>) could not begin because some expert cannot be reached.</summary>
    public void Add(M2NStatus status)
    {
        _since ??= time.GetTimestamp();
        _last = status;
        if (status != M2NStatus.Pending)
            _failures++;
    }

    /// <summary>The pause before the failed step is run again: none at first, since a snapshot may have come meanwhile.</summary>
    public TimeSpan Pause
    {
        get
        {
            if (_failures <= ImmediateRetries)
                return TimeSpan.Zero;
            double factor = Math.Pow(2, Math.Min(_failures - ImmediateRetries - 1, 16));
            return TimeSpan.FromTicks((long)Math.Min(FirstPause.Ticks * factor, LongestPause.Ticks));
        }
    }

    /// <summary>What is left until <see cref="IsOver"/>.</summary>
    public TimeSpan Left
    {
        get
        {
            TimeSpan left = _since is { } since ? limit - time.GetElapsedTime(since) : limit;
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>The experts failed for too long: whoever waits for them ends with <see cref="Reason"/>.</summary>
    public bool IsOver => _since is not null && Left == TimeSpan.Zero;

    /// <summary>One sentence.</summary>
    public string Reason => _last == M2NStatus.Pending
        ? $"Not every expert could be reached for {limit.TotalSeconds:0.###} seconds; see that enough expert nodes run."
        : $"The expert nodes did not answer for {limit.TotalSeconds:0.###} seconds ({_last}); see whether they run and are not overloaded.";
}
