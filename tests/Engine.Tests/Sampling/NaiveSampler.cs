using MegaInfer.Engine.Requests;

namespace MegaInfer.Engine.Tests.Sampling;

/// <summary>The documented order of application, with sorted lists and doubles: slow, and obviously right.</summary>
internal static class NaiveSampler
{
    /// <summary>Token ids that may be drawn, ascending, with their probabilities.</summary>
    public static SortedDictionary<int, double> Distribution(float[] logits, SamplingParameters parameters, int[] prompt, int[] generated)
    {
        double[] adjusted = [.. logits.Select(logit => (double)logit)];
        foreach ((int id, float bias) in parameters.LogitBias)
            adjusted[id] = (float)adjusted[id] + bias;
        foreach (int id in prompt.Concat(generated).Distinct())
            adjusted[id] = adjusted[id] > 0 ? adjusted[id] / parameters.RepetitionPenalty : adjusted[id] * parameters.RepetitionPenalty;
        foreach (IGrouping<int, int> group in generated.GroupBy(id => id))
            adjusted[group.Key] -= parameters.PresencePenalty + (parameters.FrequencyPenalty * group.Count());

        double maximum = adjusted.Max();
        List<(int Id, double Weight)> sorted =
        [
            .. adjusted.Select((logit, id) => (Id: id, Weight: Math.Exp((logit - maximum) / parameters.Temperature)))
                .OrderByDescending(token => token.Weight).ThenBy(token => token.Id),
        ];
        if (parameters.TopK > 0)
            sorted = [.. sorted.Take(parameters.TopK)];
        sorted = KeepShare(sorted, parameters.TopP);
        sorted = [.. sorted.Where(token => token.Weight >= parameters.MinP)];
        double total = sorted.Sum(token => token.Weight);
        return new SortedDictionary<int, double>(sorted.ToDictionary(token => token.Id, token => token.Weight / total));
    }

    private static List<(int Id, double Weight)> KeepShare(List<(int Id, double Weight)> sorted, float share)
    {
        double target = share * sorted.Sum(token => token.Weight);
        var kept = new List<(int, double)>();
        double sum = 0;
        foreach ((int id, double weight) in sorted)
        {
            if (share < 1 && sum >= target)
                break;
            kept.Add((id, weight));
            sum += weight;
        }

        return kept;
    }
}
