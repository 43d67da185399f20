using System.Diagnostics;
using MegaInfer.Engine.Cluster;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// Measures the stages of one step: Ta from this node's timestamps, Te from the expert nodes' own, Tc from what is left of the round trips that were really
/// waited for. Belongs to the node loop; started anew for every step.
/// </summary>
public sealed class StageClock
{
    // A combine that took longer than this found its results missing, so their arrival was seen as it happened.
    private static readonly long WaitedTicks = Stopwatch.Frequency / 200_000;

    private long _runTicks;
    private int _visits;
    private long _expertNs;
    private int _expertVisits;
    private long _transferNs;
    private int _transferVisits;

    /// <summary>Time inside waits for the experts.</summary>
    public long WaitTicks { get; private set; }

    /// <summary>Time of the whole layer loop.</summary>
    public long RunTicks => _runTicks;

    /// <summary>Means over layers and micro-batches of the step. Tc is 0 where no round trip was waited for.</summary>
    public StageTimes Times => new(
        _visits == 0 ? 0 : Microseconds(_runTicks - WaitTicks) / _visits,
        _expertVisits == 0 ? 0 : _expertNs / 1e3 / _expertVisits,
        _transferVisits == 0 ? 0 : _transferNs / 2e3 / _transferVisits);

    /// <summary>Whether <see cref="StageTimes.TransferUs"/> was measured.</summary>
    public bool HasTransfer => _transferVisits > 0;

    public void Start()
    {
        _runTicks = WaitTicks = _expertNs = _transferNs = 0;
        _visits = _expertVisits = _transferVisits = 0;
    }

    /// <summary>The layer loop is over.</summary>
    /// <param name="visits">Layers times micro-batches.</param>
    public void Finish(long ticks, int visits)
    {
        _runTicks = ticks;
        _visits = visits;
    }

    /// <summary>One combine.</summary>
    /// <param name="dispatchedAt">Timestamp of the dispatch.</param>
    /// <param name="waitBegan">Timestamp when combine asked for the results.</param>
    /// <param name="now">Timestamp when it had them.</param>
    /// <param name="holdNs">The slowest piece's time at its expert node.</param>
    /// <param name="computeNs">The longest computation.</param>
    public void AddRoundTrip(long dispatchedAt, long waitBegan, long now, long holdNs, long computeNs)
    {
        WaitTicks += now - waitBegan;
        _expertNs += computeNs;
        _expertVisits++;
        if (now - waitBegan > WaitedTicks)
        {
            _transferNs += Math.Max(0, (long)(Microseconds(now - dispatchedAt) * 1e3) - holdNs);
            _transferVisits++;
        }
    }

    private static double Microseconds(long ticks) => ticks * (1e6 / Stopwatch.Frequency);
}
