using System.Numerics;
using MegaInfer.Engine.Cluster;

namespace MegaInfer.AttentionNodes.Pipeline;

/// <summary>
/// How many micro-batches a step is cut into: a fixed number, or the one that measured fastest for steps of about this size. Measuring happens in real traffic: each
/// candidate is tried a few times, then the best is kept, and now and then another gets one step to show that things have changed. A step's bits do
/// not depend on it. One owner: the node loop.
/// </summary>
public sealed class MicroBatchPolicy
{
    /// <summary>Steps of a size that each candidate gets before the first choice.</summary>
    internal const int FirstTries = 4;

    /// <summary>From then on every so many steps of a size are spent on another candidate.</summary>
    internal const int RetryEvery = 64;

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
        return _fixedCount > 0 || most == 1 ? most : BucketOf(rows).Choose(most);
    }

    /// <summary>Tells how long a step took with the number that <see cref="Choose"/> gave.</summary>
    public void Record(int rows, int count, TimeSpan time)
    {
        if (_fixedCount == 0)
            BucketOf(rows).Record(count, time.TotalSeconds / rows);
    }

    // Steps between one power of two and the next behave alike.
    private Bucket BucketOf(int rows) => _buckets[BitOperations.Log2((uint)rows)];

    /// <summary>What was measured for steps of about one size; index 0 stands for one micro-batch.</summary>
    private sealed class Bucket
    {
        private readonly double[] _secondsPerRow = new double[PipelineShape.MaximumMicroBatches];
        private readonly int[] _tries = new int[PipelineShape.MaximumMicroBatches];
        private int _best;
        private int _steps;
        private int _retry;

        public int Choose(int most)
        {
            int fewest = 0;
            for (int i = 1; i < most; i++)
                fewest = _tries[i] < _tries[fewest] ? i : fewest;
            if (_tries[fewest] < FirstTries)
                return fewest + 1;
            if (++_steps % RetryEvery != 0)
                return Math.Min(_best + 1, most);
            _retry = (_retry + 1) % most;
            return _retry + 1;
        }

        public void Record(int count, double secondsPerRow)
        {
            int index = count - 1;
            // The first try pays for cold caches and first allocations.
            double share = _tries[index] <= 1 ? 1 : NewShare;
            _secondsPerRow[index] += share * (secondsPerRow - _secondsPerRow[index]);
            _tries[index]++;
            for (int i = 0; i < _secondsPerRow.Length; i++)
            {
                if (_tries[i] >= FirstTries && _secondsPerRow[i] < Advantage * _secondsPerRow[_best])
                    _best = i;
            }
        }
    }
}
