namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>What the node loop does after a turn: go on at once, sleep on the inbox, or end.</summary>
internal readonly record struct Pause
{
    private Pause(bool waits, TimeSpan? limit, bool isEnd)
    {
        Waits = waits;
        Limit = limit;
        IsEnd = isEnd;
    }

    public static Pause None => default;

    public static Pause End => new(false, null, isEnd: true);

    public bool Waits { get; }

    /// <summary>The longest sleep; null: until something comes.</summary>
    public TimeSpan? Limit { get; }

    public bool IsEnd { get; }

    public static Pause For(TimeSpan? limit) => new(limit is null || limit > TimeSpan.Zero, limit, isEnd: false);
}
