using System.Numerics;
using MegaInfer.Engine.Requests;

namespace MegaInfer.Engine.Sampling;

/// <summary>
/// Logits to a token id. A pure function of the logits, the sequence's <see cref="SamplingState"/> and the token's position: neither the batch nor the order of
/// calls matters. Allocates only when made; one thread.
/// </summary>
public sealed class Sampler
{
    private readonly float[] _logits;
    private readonly Candidates _candidates;

    public Sampler(int vocabularySize)
    {
        _logits = new float[vocabularySize];
        _candidates = new Candidates(vocabularySize);
    }

    /// <summary>Draws the token at <paramref name="position"/>.</summary>
    /// <param name="logits">[vocabulary], raw; not changed.</param>
    /// <param name="state">The sequence; the caller adds the drawn token to it.</param>
    /// <param name="position">Absolute, 0-based: where the new token will stand, which is the number of tokens before it.</param>
    /// <returns>The token id.</returns>
    /// <exception cref="MegaInferException">The logits hold NaN or infinity, or rule out every token.</exception>
    public int Sample(ReadOnlySpan<float> logits, SamplingState state, long position)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(logits.Length, _logits.Length);
        if (!state.IsPlain)
        {
            logits.CopyTo(_logits);
            state.Adjust(_logits);
            logits = _logits;
        }

        int best = MostLikely(logits);
        SamplingParameters parameters = state.Parameters;
        if (parameters.Temperature == 0)
            return best;

        _candidates.Load(logits, logits[best], parameters.Temperature);
        if (parameters.TopK > 0)
            _candidates.KeepMostLikely(parameters.TopK);
        _candidates.Weigh();
        if (parameters.TopP < 1)
            _candidates.KeepShare(parameters.TopP);
        if (parameters.MinP > 0)
            _candidates.KeepAtLeast(parameters.MinP);
        return _candidates.Draw(Philox.Uniform(parameters.Seed, parameters.SampleIndex, position, draw: 0));
    }

    /// <summary>The largest logit, ties to the lower id.</summary>
    private static int MostLikely(ReadOnlySpan<float> logits)
    {
        var infinity = new Vector<float>(float.PositiveInfinity);
        Vector<float> maxima = -infinity;
        Vector<int> isSound = Vector<int>.AllBitsSet; // below infinity, which NaN is not
        int i = 0;
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var next = new Vector<float>(logits[i..]);
            isSound &= Vector.LessThan(next, infinity);
            maxima = Vector.ConditionalSelect(Vector.GreaterThan(next, maxima), next, maxima);
        }

        float maximum = float.NegativeInfinity;
        for (int lane = 0; lane < Vector<float>.Count; lane++)
            maximum = Math.Max(maximum, maxima[lane]);
        bool areAllSound = isSound == Vector<int>.AllBitsSet;
        for (; i < logits.Length; i++)
        {
            areAllSound &= logits[i] < float.PositiveInfinity;
            maximum = Math.Max(maximum, logits[i]);
        }

        if (!areAllSound)
            throw new MegaInferException("The model computed logits that are not numbers; its weights are damaged or overflow in this number type.");
        if (float.IsNegativeInfinity(maximum))
            throw new MegaInferException("No token can be sampled: logit_bias and min_tokens rule out the whole vocabulary.");
        return logits.IndexOf(maximum);
    }
}
