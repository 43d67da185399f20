using System.Text.RegularExpressions;
using MegaInfer.Rl.Tasks;
using Xunit;

namespace MegaInfer.Rl.Tests.Tasks;

/// <summary>
/// The proof that nothing held out is trained: reads the text of the actual training stream, in its last and most varied phase, without
/// trusting what the generator says about itself.
/// </summary>
public sealed partial class TrainingMixTests
{
    private const int StepCount = 300;
    private const int ConversationsPerStep = 100;

    private static readonly Lazy<List<Conversation>> Stream = new(() =>
    {
        TrainingMix mix = new(SmallTalk.Load(), LateShares.Default with { LongAddition = 0.02, LongSubtraction = 0.02, LongProduct = 0.02, ThreeOperands = 0.1 });
        List<Conversation> conversations = [];
        for (int step = 0; step < StepCount; step++)
        {
            SeededRandom random = new(seed: 2, stream: (ulong)step);
            for (int i = 0; i < ConversationsPerStep; i++)
                conversations.Add(mix.Draw(0.9, random));
        }
        return conversations;
    });

    [Fact]
    public void Draw_AnyProblem_HasTrainingOperands()
    {
        int checkedCount = 0;
        foreach (Turn turn in Stream.Value.SelectMany(conversation => conversation.Turns))
        {
            if (turn.Problem is not { } problem)
                continue;
            int[] numbers = [.. Number().Matches(problem.Question).Select(match => int.Parse(match.Value))];
            Assert.Equal(SplitPart.Training, PartOf(problem, numbers));
            checkedCount++;
        }
        Assert.True(checkedCount > 20_000, $"only {checkedCount} problems were seen");
    }

    [Fact]
    public void Draw_AnyTurn_WritesNoHeldOutComputation()
    {
        int seen = 0;
        foreach (Turn turn in Stream.Value.SelectMany(conversation => conversation.Turns))
        {
            // Also inside longer chains: 12 + 34 + 56 contains 12 + 34, and its steps contain 46 + 56.
            foreach (string text in new[] { turn.Problem is null ? "" : turn.Question, turn.Reply })
            {
                foreach (Match match in Computation().Matches(text))
                {
                    char operation = OperationOf(match.Groups[2].Value);
                    int a = int.Parse(match.Groups[1].Value);
                    int b = int.Parse(match.Groups[3].Value);
                    Assert.True(Split.OfPair(operation, a, b) == SplitPart.Training, $"held out: {match.Value} in: {text}");
                    seen++;
                }
            }
        }
        Assert.True(seen > 50_000, $"only {seen} computations were seen");
    }

    [Fact]
    public void Draw_ManyTurns_MeetsEveryClassAndConversationsOfSeveralTurns()
    {
        HashSet<ProblemClass> met = [.. Stream.Value.SelectMany(c => c.Turns).Where(turn => turn.Problem is not null).Select(turn => turn.Problem!.Class)];
        Assert.Equal(Enum.GetValues<ProblemClass>().Order(), met.Order());
        Assert.Contains(Stream.Value, conversation => conversation.Turns.Count > 2 && conversation.System is not null);
        Assert.Contains(Stream.Value, conversation => conversation.IsBare);
    }

    [Fact]
    public void Draw_SmallTalk_UsesNoHeldOutWording()
    {
        HashSet<string> trained = [.. Stream.Value.SelectMany(c => c.Turns).Where(turn => turn.Problem is null).Select(turn => Plain(turn.Question))];
        SeededRandom random = new(seed: 1);
        Assert.DoesNotContain(SmallTalk.Load().HeldOut(random).Select(pair => Plain(pair.Question)), trained.Contains);
        Assert.Empty(SmallTalk.Load().HeldOut(random).Select(pair => Plain(pair.Question)).Intersect(SmallTalk.Load().TrainedWordings.Select(Plain)));
    }

    [Fact]
    public void Draw_SameSeedAndStep_GivesTheSameConversations()
    {
        TrainingMix mix = new(SmallTalk.Load(), LateShares.Default);
        SeededRandom first = new(seed: 5, stream: 9);
        SeededRandom second = new(seed: 5, stream: 9);
        for (int i = 0; i < 50; i++)
            Assert.Equal(mix.Draw(0.9, first).Turns, mix.Draw(0.9, second).Turns);
    }

    // A wording that differs only in case, punctuation or a polite first word counts as the same.
    private static string Plain(string question) => FirstWord().Replace(NotWord().Replace(question.ToLowerInvariant(), " ").Trim(), "");

    private static SplitPart PartOf(Problem problem, int[] numbers) => problem.Class switch
    {
        ProblemClass.Sorting or ProblemClass.Extremum => Split.OfList(numbers),
        ProblemClass.ThreeOperands => Split.OfTerms([numbers[0], numbers[1], problem.Solution.Contains($"{numbers[0] + numbers[1]}+{numbers[2]}\n") ? numbers[2] : -numbers[2]]),
        ProblemClass.Addition or ProblemClass.LongAddition => Split.OfPair('+', numbers[0], numbers[1]),
        ProblemClass.Subtraction or ProblemClass.LongSubtraction => Split.OfPair('-', numbers[0], numbers[1]),
        _ => Split.OfPair('*', numbers[0], numbers[1]),
    };

    private static char OperationOf(string spelling) => spelling.Trim() switch
    {
        "+" or "plus" => '+',
        "-" or "−" or "minus" => '-',
        _ => '*',
    };

    [GeneratedRegex(@"\d+")]
    private static partial Regex Number();

    [GeneratedRegex(@"[^\w]+")]
    private static partial Regex NotWord();

    [GeneratedRegex(@"^(please|so|ok|hi|hello|now) (?=.)")]
    private static partial Regex FirstWord();

    // Looks ahead at the second number, so that chains yield each neighbouring pair.
    [GeneratedRegex(@"(?<![\d])(\d+)(\s*(?:\+|-|−|\*|×|x|plus|minus|times)\s*)(?=(\d+))")]
    private static partial Regex Computation();
}
