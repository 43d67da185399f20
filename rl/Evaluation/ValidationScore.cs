using MegaInfer.Rl.Tasks;
using MegaInfer.Rl.Tokens;

namespace MegaInfer.Rl.Evaluation;

/// <summary>The share of exact answers by class, of sensible small-talk replies, and the spread of expert use.</summary>
/// <param name="Exact">Per class: exact answers / problems.</param>
/// <param name="Talk">Held-out wordings answered with their topic's reply / all.</param>
/// <param name="ExpertShares">Per layer: the rarest and the busiest expert's use as a share of the layer's mean.</param>
internal sealed record ValidationScore(
    IReadOnlyDictionary<ProblemClass, double> Exact, double Talk, IReadOnlyList<(double Least, double Largest)> ExpertShares)
{
    private const int MostTokens = 120;

    /// <summary>Scores weights on held-out problems: exact classes greedily, hard ones sampled at temperature 1. Uses all given threads.</summary>
    public static ValidationScore Measure(PlainDecoder decoder, BytePairEncoding encoding, SplitPart part, int problemsPerClass, int threads)
    {
        List<(ProblemClass? Class, int[] Prompt, Func<string, bool> IsRight, double Temperature)> cases = [];
        ChatEncoder encoder = new(encoding);
        foreach (ProblemClass problemClass in ProblemClasses.Exact.Concat(ProblemClasses.Hard))
        {
            SeededRandom random = new(seed: 77, stream: (ulong)problemClass);
            for (int i = 0; i < problemsPerClass; i++)
            {
                Problem problem = ProblemSource.Draw(problemClass, part, random);
                double temperature = ProblemClasses.Hard.Contains(problemClass) ? 1 : 0;
                cases.Add((problemClass, encoder.EncodePrompt(problem.Question), reply => AnswerVerifier.IsExact(problem, reply), temperature));
            }
        }
        foreach ((string question, string reply) in SmallTalk.Load().HeldOut(new SeededRandom(seed: 78)))
            cases.Add((null, encoder.EncodePrompt(question), answer => answer == reply, 0));

        bool[] right = new bool[cases.Count];
        PlainDecoder[] decoders = [.. Enumerable.Range(0, threads).Select(_ => decoder.Fork())];
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, t =>
        {
            for (int i = t; i < cases.Count; i += threads)
            {
                List<int> ids = decoders[t].Generate(
                    cases[i].Prompt, MostTokens, cases[i].Temperature, id => id >= encoding.EndOfText, new SeededRandom(seed: 79, stream: (ulong)i));
                right[i] = cases[i].IsRight(encoding.Decode(ids));
            }
        });
        double Share(Func<ProblemClass?, bool> isWanted) =>
            Enumerable.Range(0, cases.Count).Where(i => isWanted(cases[i].Class)).Average(i => right[i] ? 1.0 : 0.0);
        return new ValidationScore(
            ProblemClasses.Exact.Concat(ProblemClasses.Hard).ToDictionary(c => c, c => Share(wanted => wanted == c)),
            Share(wanted => wanted is null), [.. SharesByLayer(decoders)]);
    }

    /// <summary>One line for a log.</summary>
    public string Describe() =>
        string.Join(", ", Exact.Select(entry => $"{entry.Key} {entry.Value:P1}"))
        + $", small talk {Talk:P1}, expert shares {ExpertShares.Min(layer => layer.Least):F2} to {ExpertShares.Max(layer => layer.Largest):F2}";

    private static IEnumerable<(double Least, double Largest)> SharesByLayer(PlainDecoder[] decoders)
    {
        for (int layer = 0; layer < decoders[0].ExpertCounts.Length; layer++)
        {
            int experts = decoders[0].ExpertCounts[layer].Length;
            double[] counts = [.. Enumerable.Range(0, experts).Select(e => (double)decoders.Sum(d => d.ExpertCounts[layer][e]))];
            yield return (counts.Min() / counts.Average(), counts.Max() / counts.Average());
        }
    }
}
