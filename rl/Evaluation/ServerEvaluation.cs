using MegaInfer.Rl.Tasks;

namespace MegaInfer.Rl.Evaluation;

/// <summary>
/// Measures a model through a server: exact classes and small talk greedily, hard classes with several samples at temperature 1. All
/// problems come from the test part of the split and all wordings of small talk from the held-out ones.
/// </summary>
internal sealed class ServerEvaluation(ChatClient client, EvaluationSize size)
{
    private const int Concurrency = 32;
    /// <summary>Seed of the prompts.</summary>
    internal const ulong Seed = 2026;


    private sealed record Case(string Class, string Question, Func<string, bool> IsRight, int Samples, double Temperature);

    /// <summary>Asks everything and scores it; <paramref name="answered"/> hears of each finished prompt, from any thread.</summary>
    public async Task<IReadOnlyList<ClassScore>> RunAsync(Action<int, int> answered, CancellationToken cancellation)
    {
        Case[] cases = [.. Cases()];
        int[] right = new int[cases.Length];
        int finished = 0;
        ParallelOptions options = new() { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancellation };
        await Parallel.ForAsync(0, cases.Length, options, async (i, token) =>
        {
            Case asked = cases[i];
            string[] replies = await client.AskAsync(asked.Question, asked.Samples, asked.Temperature, seed: i, token);
            right[i] = replies.Count(asked.IsRight);
            answered(Interlocked.Increment(ref finished), cases.Length);
        });
        return
        [
            .. Enumerable.Range(0, cases.Length).GroupBy(i => cases[i].Class).Select(group =>
                ClassScore.Of(group.Key, cases[group.First()].Samples, cases[group.First()].Temperature, [.. group.Select(i => right[i])])),
        ];
    }

    private IEnumerable<Case> Cases()
    {
        foreach (ProblemClass problemClass in ProblemClasses.Exact)
        {
            foreach (Case asked in Draw(problemClass, size.ExactPrompts, samples: 1, temperature: 0))
                yield return asked;
        }
        foreach (ProblemClass problemClass in ProblemClasses.Hard)
        {
            foreach (Case asked in Draw(problemClass, size.HardPrompts, size.Samples, temperature: 1))
                yield return asked;
        }
        foreach ((string question, string reply) in SmallTalk.Load().HeldOut(new SeededRandom(Seed)))
            yield return new Case(nameof(SmallTalk), question, answer => answer.Trim() == reply, 1, 0);
    }

    private static IEnumerable<Case> Draw(ProblemClass problemClass, int count, int samples, double temperature)
    {
        SeededRandom random = new(Seed, stream: (ulong)problemClass);
        for (int i = 0; i < count; i++)
        {
            Problem problem = ProblemSource.Draw(problemClass, SplitPart.Test, random);
            yield return new Case(problemClass.ToString(), problem.Question, reply => AnswerVerifier.IsExact(problem, reply), samples, temperature);
        }
    }
}
