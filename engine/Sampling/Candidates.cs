using System.Numerics;
using System.Runtime.Intrinsics;
using MegaInfer.Engine.Reference;

namespace MegaInfer.Engine.Sampling;

/// <summary>
/// The tokens that may still be drawn, in ascending id, while top-k, top-p and min-p narrow them. Cuts find their threshold by counting in bins of the scores' bits
/// from the top down, never by sorting a vocabulary. Sized once; one thread.
/// </summary>
internal sealed class Candidates(int vocabularySize)
{
    // A float's 32 bits in three digits.
    private const int Levels = 3;
    private const int DigitBits = 11;
    private const int Bins = 1 << DigitBits;

    private const int BlockLength = 1024; // of weights that are summed together

    private readonly int[] _ids = new int[vocabularySize];
    private readonly float[] _scores = new float[vocabularySize]; // (logit - maximum) / temperature: at most 0
    private readonly float[] _weights = new float[vocabularySize]; // exp(score): unnormalised probability, the most likely has 1
    private readonly double[] _bins = new double[Bins];

    public int Count { get; private set; }

    public int IdAt(int index) => _ids[index];

    /// <summary>Takes every token of finite logit.</summary>
    public void Load(ReadOnlySpan<float> logits, float maximum, float temperature)
    {
        Score(logits, maximum, temperature);
        Count = 0;
        for (int id = 0; id < logits.Length; id++)
        {
            _ids[Count] = id;
            _scores[Count] = _scores[id];
            Count += float.IsFinite(_scores[id]) ? 1 : 0; // without a branch: a rejected token is overwritten by the next
        }
    }

    /// <summary>Keeps the k highest scores; of equal ones those of lower id. Before <see cref="Weigh"/>.</summary>
    public void KeepMostLikely(int k)
    {
        if (k >= Count)
            return;
        _weights.AsSpan(0, Count).Fill(1f); // each token weighs one
        KeepPrefix(k);
    }

    /// <summary>Turns scores into weights.</summary>
    public void Weigh() => ExpMath.Exp(_scores.AsSpan(0, Count), _weights.AsSpan(0, Count));

    /// <summary>Keeps the fewest most likely tokens whose weights sum to at least this share of all weights.</summary>
    public void KeepShare(float share) => KeepPrefix(share * TotalWeight());

    /// <summary>Keeps tokens whose weight is at least this share of the largest one, which is 1.</summary>
    public void KeepAtLeast(float share)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            if (_weights[i] >= share)
                Move(i, kept++);
        }

        Count = kept;
    }

    /// <summary>The token at which the running sum of weights, in ascending id, passes <paramref name="uniform"/> of the total.</summary>
    public int Draw(double uniform)
    {
        double target = uniform * TotalWeight();
        double before = 0;
        int start = 0;
        for (; start + BlockLength < Count; start += BlockLength)
        {
            double weight = BlockWeight(start);
            if (before + weight > target)
                break;
            before += weight;
        }

        int end = Math.Min(start + BlockLength, Count);
        int last = LastWeighed(end);
        for (int i = start; i < last; i++)
        {
            before += _weights[i];
            if (before > target)
                return _ids[i];
        }

        return _ids[last];
    }

    /// <summary>The last token before <paramref name="end"/> that has any weight; the most likely one always has.</summary>
    private int LastWeighed(int end)
    {
        int last = end - 1;
        while (last > 0 && _weights[last] == 0)
            last--;
        return last;
    }

    private double TotalWeight()
    {
        double total = 0;
        for (int start = 0; start < Count; start += BlockLength)
            total += BlockWeight(start);
        return total;
    }

    /// <summary>The weight of one block, summed in sixteen lanes whatever the machine's vectors are.</summary>
    private double BlockWeight(int start)
    {
        ReadOnlySpan<float> weights = _weights.AsSpan(start, Math.Min(BlockLength, Count - start));
        Vector512<double> low = Vector512<double>.Zero;
        Vector512<double> high = Vector512<double>.Zero;
        int i = 0;
        for (; i <= weights.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(Vector512.Create(weights[i..]));
            low += lower;
            high += upper;
        }

        Span<double> lanes = stackalloc double[Lanes.Count];
        low.CopyTo(lanes);
        high.CopyTo(lanes[Vector512<double>.Count..]);
        for (; i < weights.Length; i++)
            lanes[i % Lanes.Count] += weights[i];
        return Lanes.Fold(lanes);
    }

    /// <summary>(logit - maximum) / temperature for the whole vocabulary.</summary>
    private void Score(ReadOnlySpan<float> logits, float maximum, float temperature)
    {
        int i = 0;
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            // Adding 0 turns -0 into 0, so that equal scores have equal bits.
            Vector<float> score = ((new Vector<float>(logits[i..]) - new Vector<float>(maximum)) / new Vector<float>(temperature)) + Vector<float>.Zero;
            score.CopyTo(_scores.AsSpan(i));
        }

        for (; i < logits.Length; i++)
            _scores[i] = ((logits[i] - maximum) / temperature) + 0f;
    }

    /// <summary>Keeps the shortest prefix, in order of descending score and ascending id, whose weights sum to at least <paramref name="target"/>.</summary>
    private void KeepPrefix(double target)
    {
        uint threshold = 0;
        double above = 0; // weight of all scores above the threshold's digits so far
        for (int level = 0; level < Levels; level++)
        {
            int shift = Math.Max(0, 32 - (DigitBits * (level + 1)));
            int digitBits = Math.Min(DigitBits, 32 - (DigitBits * level));
            threshold = (threshold << digitBits) | (uint)FindDigit(threshold, shift, digitBits, target, ref above);
            DropBelow(threshold, shift);
        }

        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            uint key = KeyOf(_scores[i]);
            if (key == threshold && above >= target)
                continue;
            if (key == threshold)
                above += _weights[i];
            Move(i, kept++);
        }

        Count = kept;
    }

    /// <summary>Whoever is below the threshold's digits so far is out, which leaves the later digits little to count.</summary>
    private void DropBelow(uint threshold, int shift)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            bool isIn = KeyOf(_scores[i]) >> shift >= threshold;
            Move(i, kept);
            kept += isIn ? 1 : 0;
        }

        Count = kept;
    }

    /// <summary>
    /// The next digit of the threshold: the highest bin at which the weight from the top reaches the target; the lowest one in use where rounding leaves the
    /// target just out of reach. <paramref name="above"/> grows by the bins above it.
    /// </summary>
    private int FindDigit(uint prefix, int shift, int digitBits, double target, ref double above)
    {
        Span<double> bins = _bins.AsSpan(0, 1 << digitBits);
        bins.Clear();
        uint mask = (1u << digitBits) - 1;
        for (int i = 0; i < Count; i++)
        {
            uint digits = KeyOf(_scores[i]) >> shift;
            // The widening keeps the shift legal at the first level, where the prefix is empty.
            if ((ulong)digits >> digitBits == prefix)
                bins[(int)(digits & mask)] += _weights[i];
        }

        int found = 0;
        double sum = above;
        for (int digit = bins.Length - 1; digit >= 0 && sum < target; digit--)
        {
            if (bins[digit] == 0)
                continue;
            found = digit;
            above = sum;
            sum += bins[digit];
        }

        return found;
    }

    /// <summary>Unsigned numbers in the order of the floats.</summary>
    private static uint KeyOf(float score)
    {
        uint bits = BitConverter.SingleToUInt32Bits(score);
        return (bits & 0x8000_0000) == 0 ? bits | 0x8000_0000 : ~bits;
    }

    private void Move(int from, int to)
    {
        _ids[to] = _ids[from];
        _scores[to] = _scores[from];
        _weights[to] = _weights[from];
    }
}
