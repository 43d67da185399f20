using MegaInfer.AttentionNodes.Layers;
using MegaInfer.AttentionNodes.Scheduling;
using MegaInfer.Engine;
using MegaInfer.Engine.Requests;
using MegaInfer.Engine.Sampling;

namespace MegaInfer.AttentionNodes.Sampling;

/// <summary>
/// From the hidden rows of a finished step to tokens and log-probabilities: runs the LM head over the rows that need logits, a tile at a time, and draws.
/// Belongs to the node loop.
/// </summary>
public sealed class StepSampler
{
    private readonly LmHead _head;
    private readonly Sampler _sampler;
    private readonly WeightVersion _version;
    private readonly SliceSample[] _samples;

    // The tile being filled: rows of the step, and which row of which slice each is.
    private readonly int[] _rowIndex;
    private readonly (int Slice, int Row)[] _owners;
    private int _count;

    /// <param name="maxSlices">Sequences in a step at most.</param>
    public StepSampler(LmHead head, WeightVersion version, int maxSlices)
    {
        _head = head;
        _version = version;
        _sampler = new Sampler(head.Vocabulary);
        _samples = new SliceSample[maxSlices];
        _rowIndex = new int[head.TileRows];
        _owners = new (int, int)[head.TileRows];
    }

    /// <summary>One entry for each slice, in order; valid until the next call.</summary>
    public ReadOnlySpan<SliceSample> Sample(Step step)
    {
        ReadOnlySpan<StepSlice> slices = step.Slices;
        Array.Clear(_samples);
        _count = 0;
        for (int i = 0; i < slices.Length; i++)
        {
            if (slices[i].PromptLogitCount > 0)
                _samples[i] = new SliceSample(default, new float[(long)slices[i].PromptLogitCount * _head.Vocabulary], null);
            for (int row = slices[i].FirstLogitRow; row < slices[i].RowCount; row++)
            {
                _rowIndex[_count] = slices[i].FirstRow + row;
                _owners[_count++] = (i, row);
                if (_count == _rowIndex.Length)
                    Flush(slices);
            }
        }

        Flush(slices);
        return _samples.AsSpan(0, slices.Length);
    }

    private void Flush(ReadOnlySpan<StepSlice> slices)
    {
        if (_count == 0)
            return;
        _head.Forward(_rowIndex.AsSpan(0, _count), LooksAtLogits(slices));
        for (int i = 0; i < _count; i++)
        {
            (int index, int row) = _owners[i];
            StepSlice slice = slices[index];
            int promptRow = row - slice.FirstLogitRow;
            if (promptRow < slice.PromptLogitCount)
                _head.LogitsOf(i).CopyTo(_samples[index].PromptLogits.AsSpan(promptRow * _head.Vocabulary));
            if (slice.SamplesToken && row == slice.RowCount - 1)
                Draw(slice.Sequence, i, ref _samples[index]);
        }

        _count = 0;
    }

    private bool LooksAtLogits(ReadOnlySpan<StepSlice> slices)
    {
        foreach ((int slice, int row) in _owners.AsSpan(0, _count))
        {
            if (row - slices[slice].FirstLogitRow < slices[slice].PromptLogitCount || !IsGreedy(slices[slice].Sequence))
                return true;
        }

        return false;
    }

    // The kernel has found the token already.
    private static bool IsGreedy(Sequence sequence) => sequence.Sampling.IsGreedy && sequence.Request.TopLogProbs == 0;

    private void Draw(Sequence sequence, int row, ref SliceSample sample)
    {
        double logSumExp = _head.LogSumExpOf(row);
        if (IsGreedy(sequence) && _head.BestOf(row) is >= 0 and var best)
        {
            sample = sample with { Token = new GeneratedToken(best, LogProbs.Of(_head.MaximumOf(row), logSumExp), _version, []) };
            return;
        }

        try
        {
            ReadOnlySpan<float> logits = _head.LogitsOf(row);
            int id = _sampler.Sample(logits, sequence.Sampling, sequence.TokenCount);
            IReadOnlyList<TokenLogProb> top = Top(logits, logSumExp, sequence.Request.TopLogProbs);
            sample = sample with { Token = new GeneratedToken(id, LogProbs.Of(logits[id], logSumExp), _version, top) };
        }
        catch (MegaInferException error)
        {
            // One sequence's parameters, or damaged weights: the others go on.
            sample = sample with { Failure = error.Message };
        }
    }

    private static TokenLogProb[] Top(ReadOnlySpan<float> logits, double logSumExp, int count)
    {
        if (count == 0)
            return [];
        var top = new TokenLogProb[Math.Min(count, logits.Length)];
        LogProbs.Top(logits, logSumExp, top);
        return top;
    }
}
