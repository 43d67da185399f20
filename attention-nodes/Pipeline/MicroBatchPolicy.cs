using System.Numerics;
using MegaInfer.Engine.Cluster;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// How many micro-batches a step is cut into: a fixed number, or the one that measured fastest for steps of about this size. Measuring happens in real traffic, so it
/// must be cheap: a size begins with what is best for the nearest size known, another number gets one step at a time, at first every few steps and then ever
/// more seldom, and only one that was faster is tried again at once, until it has proved itself. A step's bits do not depend on it. One owner: the node loop.
/// </summary>
public sealed class MicroBatchPolicy
{
    /// <summary>Steps that a number gets before it can become the choice.</summary>
    internal const int FirstTries = 4;

    // Steps of the first size until the first trial of another number, and of later sizes, which inherit a choice. Doubled after each failed trial.
    private const int FirstTrial = 4;
    private const int InheritedTrial = 16;
    private const int MostBetweenTrials = 128;

    // Every so many trials go to a number that is no neighbour of the choice: the times may have more than one valley.
    private const int FarTrialEvery = 4;

    private const double NewShare = 0.25;

    // The one in use is left only for one that is better by more than noise.
    private const double Advantage = 0.97;

    private readonly int _fixedCount;
    private readonly int _minimumRows;
    private readonly Bucket[] _buckets;

    /// <param name="fixedCount">1..4, or 0 to choose by measurement.</param>
    /// <param name="minimumRows">A chosen micro-batch has at least so many rows; a fixed count is cut down only where rows run out.</param>
    public MicroBatchPolicy(int fixedCount, int minimumRows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(fixedCount, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fixedCount, PipelineShape.MaximumMicroBatches);
        _fixedCount = fixedCount;
        _minimumRows = fixedCount > 0 ? 1 : minimumRows;
        _buckets = [.. Enumerable.Range(0, 32).Select(_ => new Bucket())];
    }

    /// <summary>Micro-batches for the next step of so many rows.</summary>
    public int Choose(int rows)
    {
        int most = MicroBatchSplit.Count(rows, _fixedCount > 0 ? _fixedCount : PipelineShape.MaximumMicroBatches, _minimumRows);
        if (_fixedCount > 0 || most == 1)
            return most;
        int size = SizeOf(rows);
        if (_buckets[size].IsNew && NearestKnown(size) is { } known)
            _buckets[size].Inherit(known, most);
        return _buckets[size].Choose(most);
    }

    /// <summary>Tells how long a step took with the number that <see cref="Choose"/> gave.</summary>
    public void Record(int rows, int count, TimeSpan time)
    {
        if (_fixedCount == 0)
            _buckets[SizeOf(rows)].Record(count, time.TotalSeconds / rows);
    }

    // Steps between one power of two and the next behave alike.
    private static int SizeOf(int rows) => BitOperations.Log2((uint)rows);

    private Bucket? NearestKnown(int size)
    {
        for (int distance = 1; distance < _buckets.Length; distance++)
        {
            if (size >= distance && _buckets[size - distance].IsKnown)
                return _buckets[size - distance];
            if (size + distance < _buckets.Length && _buckets[size + distance].IsKnown)
                return _buckets[size + distance];
        }

        return null;
    }

    /// <summary>What was measured for steps of about one size; index 0 stands for one micro-batch.</summary>
    private sealed class Bucket
    {
        private readonly double[] _secondsPerRow = new double[PipelineShape.MaximumMicroBatches];
        private readonly int[] _tries = new int[PipelineShape.MaximumMicroBatches];
        private int _best;
        private int _untilTrial = FirstTrial;
        private int _betweenTrials = FirstTrial;
        private int _trials;
        private int _tried = -1;

        /// <summary>It has a choice that was measured.</summary>
        public bool IsKnown => _tries[_best] >= FirstTries;

        /// <summary>No step of this size was recorded.</summary>
        public bool IsNew { get; private set; } = true;

        // Cut down to what this size allows: a choice that is never tried would have no time for others to beat.
        public void Inherit(Bucket known, int most) =>
            (_best, _untilTrial, _betweenTrials) = (Math.Min(known._best, most - 1), InheritedTrial, InheritedTrial);

        public int Choose(int most)
        {
            int best = Math.Min(_best, most - 1);
            _tried = -1;
            if (_untilTrial-- > 0)
                return best + 1;
            _tried = NextTrial(best, most);
            return _tried + 1;
        }

        public void Record(int count, double secondsPerRow)
        {
            int index = count - 1;
            // The first try pays for cold caches and first allocations.
            double share = _tries[index] <= 1 ? 1 : NewShare;
            _secondsPerRow[index] += share * (secondsPerRow - _secondsPerRow[index]);
            _tries[index]++;
            IsNew = false;
            if (index == _tried)
                PlanNextTrial(wasFaster: secondsPerRow < Advantage * _secondsPerRow[_best]);
            for (int i = 0; i < _secondsPerRow.Length; i++)
            {
                if (_tries[i] >= FirstTries && _secondsPerRow[i] < Advantage * _secondsPerRow[_best])
                    (_best, _untilTrial, _betweenTrials) = (i, 0, FirstTrial);
            }
        }

        private void PlanNextTrial(bool wasFaster)
        {
            if (!wasFaster)
            {
                _trials++;
                _betweenTrials = Math.Min(2 * _betweenTrials, MostBetweenTrials);
            }

            _untilTrial = wasFaster ? 0 : _betweenTrials;
        }

        // The same number until it has failed once; then the next neighbour of the choice, and now and then one further away.
        private int NextTrial(int best, int most)
        {
            int farBelow = Math.Max(0, best - 1), far = farBelow + Math.Max(0, most - best - 2);
            if (far > 0 && _trials % FarTrialEvery == FarTrialEvery - 1)
            {
                int index = _trials / FarTrialEvery % far;
                return index < farBelow ? index : best + 2 + index - farBelow;
            }

            bool isUp = best == 0 || (best < most - 1 && _trials % 2 == 0);
            return isUp ? best + 1 : best - 1;
        }
    }
}
