using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>Router logits to the chosen experts and their weights: mk_gate_topk with softmax scores.</summary>
internal sealed class Gate(RouterSpec spec)
{
    // [experts] -> the chosen (expert, weight), ascending by expert
    public (ExpertId Expert, float Weight)[] Forward(ReadOnlySpan<float> logits)
    {
        float[] scores = Softmax(logits);
        bool[] isChosen = new bool[scores.Length];
        for (int k = 0; k < spec.ExpertsPerToken; k++)
            isChosen[BestOf(scores, isChosen)] = true;

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

        if (spec.IsNormalized)
        {
            for (int k = 0; k < routing.Length; k++)
                routing[k].Weight /= sum;
        }

        return routing;
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

    /// <summary>The highest score not chosen yet, ties to the lower expert.</summary>
    private static int BestOf(ReadOnlySpan<float> scores, ReadOnlySpan<bool> isChosen)
    {
        int best = -1;
        for (int i = 0; i < scores.Length; i++)
        {
            if (!isChosen[i] && (best < 0 || scores[i] > scores[best]))
                best = i;
        }

        return best;
    }
}
