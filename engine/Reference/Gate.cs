using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>Router logits to the chosen experts and their weights: mk_gate_topk.</summary>
/// <param name="spec">Scores, groups and weights.</param>
/// <param name="correction">[experts]: added to the scores for the choice only; null: nothing.</param>
internal sealed class Gate(RouterSpec spec, float[]? correction = null)
{
    // [experts] -> the chosen (expert, weight), ascending by expert
    public (ExpertId Expert, float Weight)[] Forward(ReadOnlySpan<float> logits)
    {
        float[] scores = spec.Score == RouterScore.Softmax ? Softmax(logits) : Sigmoids(logits);
        bool[] isChosen = Choose(Keys(scores));

        var routing = new (ExpertId Expert, float Weight)[spec.ExpertsPerToken];
        float sum = 0;
        int filled = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            if (!isChosen[i])
                continue;
            routing[filled++] = (new ExpertId(i), scores[i]);
            sum += scores[i];
        }

        for (int k = 0; k < routing.Length; k++)
            routing[k].Weight = (spec.IsNormalized ? routing[k].Weight / sum : routing[k].Weight) * spec.Scaling;
        return routing;
    }

    private float[] Keys(float[] scores) => [.. scores.Select((score, expert) => KeyOf(correction is null ? score : score + correction[expert]))];

    /// <summary>What the choice goes by: whatever is not a number comes last.</summary>
    private static float KeyOf(float score) => float.IsNaN(score) ? float.NegativeInfinity : score;

    /// <summary>The greatest keys of the greatest groups.</summary>
    private bool[] Choose(float[] keys)
    {
        int groupSize = keys.Length / spec.Groups;
        bool[] isGroupChosen = Greatest([.. keys.Chunk(groupSize).Select(GroupScoreOf)], [.. Enumerable.Repeat(true, spec.Groups)], spec.TopGroups);
        return Greatest(keys, [.. keys.Select((_, expert) => isGroupChosen[expert / groupSize])], spec.ExpertsPerToken);
    }

    private float GroupScoreOf(float[] keys)
    {
        float[] descending = [.. keys.OrderDescending()];
        return spec.GroupScore == GroupScore.TopTwo && descending.Length > 1 ? KeyOf(descending[0] + descending[1]) : descending[0];
    }

    /// <summary>Marks the <paramref name="count"/> greatest keys of those that may be chosen, ties to the lower index.</summary>
    private static bool[] Greatest(float[] keys, bool[] isAllowed, int count)
    {
        bool[] isChosen = new bool[keys.Length];
        for (int k = 0; k < count; k++)
        {
            int best = -1;
            for (int i = 0; i < keys.Length; i++)
            {
                if (isAllowed[i] && !isChosen[i] && (best < 0 || keys[i] > keys[best]))
                    best = i;
            }

            isChosen[best] = true;
        }

        return isChosen;
    }

    private static float[] Sigmoids(ReadOnlySpan<float> logits)
    {
        float[] scores = new float[logits.Length];
        for (int i = 0; i < scores.Length; i++)
            scores[i] = Sigmoid.Of(logits[i]);
        return scores;
    }

    private static float[] Softmax(ReadOnlySpan<float> logits)
    {
        float maximum = logits[0];
        foreach (float logit in logits)
            maximum = logit > maximum ? logit : maximum;
        float[] scores = new float[logits.Length];
        Span<float> lanes = stackalloc float[Lanes.Count];
        lanes.Clear();
        for (int i = 0; i < logits.Length; i++)
        {
            scores[i] = ExpMath.Exp(logits[i] - maximum);
            lanes[i % Lanes.Count] += scores[i];
        }

        float sum = Lanes.Fold(lanes);
        for (int i = 0; i < scores.Length; i++)
            scores[i] /= sum;
        return scores;
    }
}
