namespace MegaInfer.Server.Routing;

/// <summary>When a refused client should try again: the running mean of how long sequences take, in whole seconds from 1 to 30.</summary>
internal sealed class RetryEstimate
{
    private const double Weight = 0.1;
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private double _meanSeconds;

    public TimeSpan Wait => TimeSpan.FromSeconds(Math.Ceiling(Math.Clamp(_meanSeconds, Shortest.TotalSeconds, Longest.TotalSeconds)));

    public void Observe(TimeSpan duration) => _meanSeconds += Weight * (duration.TotalSeconds - _meanSeconds);
}
