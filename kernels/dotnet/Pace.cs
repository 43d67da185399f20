using System.Diagnostics;

namespace MegaInfer.Kernels;

/// <summary>Work in the background that leaves the machine to others for a multiple of the time it takes, until it is told to stop.</summary>
/// <param name="restPerWork">0: no rest.</param>
/// <param name="stop">Ends the rest too.</param>
internal sealed class Pace(double restPerWork, CancellationToken stop)
{
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);
    private long _since = Stopwatch.GetTimestamp();

    public bool IsOver => stop.IsCancellationRequested;

    /// <summary>After a piece of work.</summary>
    public void Rest()
    {
        TimeSpan rest = Stopwatch.GetElapsedTime(_since) * restPerWork;
        if (rest > TimeSpan.Zero)
            stop.WaitHandle.WaitOne(rest < LongestRest ? rest : LongestRest);
        _since = Stopwatch.GetTimestamp();
    }
}
