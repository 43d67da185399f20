using System.Diagnostics;

namespace MegaInfer.Bench.Rivals;

/// <summary>
/// How much of the machine other processes took while something was measured: rivals that spin at barriers fall apart when a third process runs, so a number counts only
/// beside this one. Own is this process with its descendants, and what else is named.
/// </summary>
internal sealed class OthersClock
{
    private readonly int[] _own;
    private readonly long _started;
    private readonly double _before;

    private OthersClock(int[] own)
    {
        _own = own;
        _before = OthersSeconds();
        _started = Stopwatch.GetTimestamp();
    }

    /// <param name="ownProcessIds">Processes beside this one that are part of the measurement, such as a server that another started.</param>
    public static OthersClock Start(params int[] ownProcessIds) => new([Environment.ProcessId, .. ownProcessIds]);

    /// <summary>Processor time of others over the time since the start, in cores; NaN where the system does not tell. May be asked again.</summary>
    public double StopShare()
    {
        double seconds = Stopwatch.GetElapsedTime(_started).TotalSeconds;
        // The machine's time is sampled and the processes' is not, so that a few ticks may be missing.
        return Math.Max(0, (OthersSeconds() - _before) / seconds);
    }

    private double OthersSeconds() => ProcessorTimes.AreKnown ? ProcessorTimes.MachineSeconds() - ProcessorTimes.TreeSeconds(_own) : double.NaN;
}
