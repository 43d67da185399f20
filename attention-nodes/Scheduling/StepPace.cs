namespace MegaInfer.AttentionNodes.Scheduling;

/// <summary>
/// What steps cost on this node: a line, seconds by rows, fitted to recent steps by least squares with forgetting. Says how many rows keep a step within a time.
/// It only sizes chunks, which no result depends on. One owner: the node loop.
/// </summary>
public sealed class StepPace
{
    // A step's weight is halved about every 14 steps.
    private const double Kept = 0.95;

    // Rows must have differed by so much, relative to their mean, before a slope is read from them.
    private const double LeastSpread = 0.05;

    private double _weight;
    private double _rows;
    private double _seconds;
    private double _rowsRows;
    private double _rowsSeconds;

    /// <summary>Tells what a step of so many rows took.</summary>
    public void Record(int rows, TimeSpan time)
    {
        double seconds = time.TotalSeconds;
        _weight = (Kept * _weight) + 1;
        _rows = (Kept * _rows) + rows;
        _seconds = (Kept * _seconds) + seconds;
        _rowsRows = (Kept * _rowsRows) + ((double)rows * rows);
        _rowsSeconds = (Kept * _rowsSeconds) + (rows * seconds);
    }

    /// <summary>The expected time of a step; zero before the first was recorded.</summary>
    public TimeSpan Expected(int rows)
    {
        (double start, double each) = Line();
        return TimeSpan.FromSeconds(start + (each * rows));
    }

    /// <summary>The most rows of a step that is expected to take no longer than that; <see cref="int.MaxValue"/> while nothing says otherwise.</summary>
    public int RowsWithin(TimeSpan time)
    {
        (double start, double each) = Line();
        double rows = each > 0 ? (time.TotalSeconds - start) / each : int.MaxValue;
        return (int)Math.Clamp(rows, 0, int.MaxValue);
    }

    // Where all steps had about the same rows, each row's share of the time stands for its cost: too much, so chunks begin small and grow.
    private (double Start, double Each) Line()
    {
        if (_weight == 0)
            return (0, 0);
        double rows = _rows / _weight;
        double seconds = _seconds / _weight;
        double variance = (_rowsRows / _weight) - (rows * rows);
        double slope = ((_rowsSeconds / _weight) - (rows * seconds)) / variance;
        double proportional = seconds / rows;
        double each = variance > LeastSpread * LeastSpread * rows * rows ? Math.Clamp(slope, 0, proportional) : proportional;
        return (seconds - (each * rows), each);
    }
}
