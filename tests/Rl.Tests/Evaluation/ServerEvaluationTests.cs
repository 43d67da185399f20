using MegaInfer.Rl.Evaluation;
using MegaInfer.Rl.Tasks;
using Xunit;

namespace MegaInfer.Rl.Tests.Evaluation;

public sealed class ServerEvaluationTests
{
    private static readonly EvaluationSize Size = new(ExactPrompts: 12, HardPrompts: 6, Samples: 4);

    [Fact]
    public async Task RunAsync_KnownAnswers_CountsExactMixedAndTalk()
    {
        Dictionary<string, (string Reply, bool IsHard)> answers = SmallTalk.Load().HeldOut(new SeededRandom(ServerEvaluation.Seed))
            .ToDictionary(pair => pair.Question, pair => (pair.Reply, false));
        foreach (ProblemClass problemClass in ProblemClasses.Exact.Concat(ProblemClasses.Hard))
        {
            SeededRandom random = new(ServerEvaluation.Seed, stream: (ulong)problemClass);
            for (int i = 0; i < Size.ExactPrompts; i++)
            {
                Problem problem = ProblemSource.Draw(problemClass, SplitPart.Test, random);
                answers[problem.Question] = (problem.Solution, ProblemClasses.Hard.Contains(problemClass));
            }
        }
        using FakeChatServer server = new((question, sample) =>
            answers[question].IsHard && sample % 2 == 1 ? "Answer: -12345" : answers[question].Reply);
        using ChatClient client = await ChatClient.ConnectAsync(server.Url, null, null, TestContext.Current.CancellationToken);
        int reported = 0;
        IReadOnlyList<ClassScore> scores = await new ServerEvaluation(client, Size)
            .RunAsync((_, _) => Interlocked.Increment(ref reported), TestContext.Current.CancellationToken);

        Assert.Equal("fake", client.Model);
        Assert.Equal(ProblemClasses.Exact.Count + ProblemClasses.Hard.Count + 1, scores.Count);
        Assert.All(scores.Where(score => score.Samples == 1), score => Assert.Equal((1.0, score.Prompts), (score.Exact, score.Always)));
        Assert.All(scores.Where(score => score.Samples == 4), score => Assert.Equal((0.5, 6), (score.Exact, score.Mixed)));
        Assert.Equal(reported + 1, server.Requests); // one was sent twice, because the server was full
    }

    [Fact]
    public async Task ConnectAsync_NobodyListens_SaysWhatToDo()
    {
        string url;
        using (FakeChatServer gone = new((_, _) => ""))
            url = gone.Url;
        EvaluationException failure = await Assert.ThrowsAsync<EvaluationException>(
            () => ChatClient.ConnectAsync(url, null, null, TestContext.Current.CancellationToken));
        Assert.Contains(url, failure.Message, StringComparison.Ordinal);
        Assert.Contains("--url", failure.Message, StringComparison.Ordinal);
    }
}
