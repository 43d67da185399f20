using MegaInfer.Engine.Reference;
using MegaInfer.Engine.Requests;

namespace MegaInfer.Engine.Sampling;

/// <summary>Natural log-probabilities of the raw distribution: the logits as the model gave them, at temperature 1, nothing cut.</summary>
public static class LogProbs
{
    /// <summary>
    /// log(sum(exp(logit))) as mk_log_sum_exp computes it for a whole batch: exp(logit - maximum) in fp32, summed in double in sixteen lanes.
    /// </summary>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        float maximum = logits[0];
        foreach (float logit in logits)
            maximum = logit > maximum ? logit : maximum;
        Span<double> lanes = stackalloc double[Lanes.Count];
        lanes.Clear();
        for (int i = 0; i < logits.Length; i++)
            lanes[i % Lanes.Count] += ExpMath.Exp(logits[i] - maximum);
        return LogMath.LogOfSum(maximum, Lanes.Fold(lanes));
    }

    /// <summary>logit - logSumExp, rounded once.</summary>
    public static float Of(float logit, double logSumExp) => (float)(logit - logSumExp);

    /// <summary>Fills <paramref name="top"/> with the most likely tokens, most likely first, ties to the lower id.</summary>
    /// <returns>How many were filled: fewer than asked for only where the vocabulary is smaller.</returns>
    public static int Top(ReadOnlySpan<float> logits, double logSumExp, Span<TokenLogProb> top)
    {
        // Insertion into a short sorted list: nearly every token loses against the last entry at once. Logits stand in for log-probabilities until the end,
        // because two logits may round to one log-probability.
        int count = 0;
        if (top.IsEmpty)
            return 0;
        for (int id = 0; id < logits.Length; id++)
        {
            float logit = logits[id];
            if (count == top.Length && !(logit > top[count - 1].LogProb))
                continue;
            int place = count < top.Length ? count++ : count - 1;
            while (place > 0 && logit > top[place - 1].LogProb)
            {
                top[place] = top[place - 1];
                place--;
            }

            top[place] = new TokenLogProb(id, logit);
        }

        for (int i = 0; i < count; i++)
            top[i] = top[i] with { LogProb = Of(top[i].LogProb, logSumExp) };
        return count;
    }
}
