using System.Data;
using CsCheck;
using MegaInfer.Rl.Tasks;
using Xunit;

namespace MegaInfer.Rl.Tests.Tasks;

public sealed class ProblemSourceTests
{
    [Theory]
    [InlineData('+', 348, 275, "8+5=13\n4+7+1=12\n3+2+1=6\nAnswer: 623")]
    [InlineData('-', 284, 58, "14-8=6\n8-5-1=2\n2-0=2\nAnswer: 226")]
    [InlineData('-', 5, 9, "5-9=-4\nSwap: 9-5\n9-5=4\nAnswer: -4")]
    [InlineData('-', 551, 593, "11-3=8\n15-9-1=5\n5-5-1=-1\nSwap: 593-551\n3-1=2\n9-5=4\n5-5=0\nAnswer: -42")]
    [InlineData('-', 100, 99, "10-9=1\n10-9-1=0\n1-0-1=0\nAnswer: 1")]
    [InlineData('*', 47, 6, "7*6=42\n4*6+4=24+4=28\nAnswer: 282")]
    [InlineData('*', 6, 47, "7*6=42\n4*6+4=24+4=28\nAnswer: 282")]
    [InlineData('*', 40, 0, "0*0=0\n4*0=0\nAnswer: 0")]
    public void OfPair_Known_WritesTheColumns(char operation, int a, int b, string solution) =>
        Assert.Equal(solution, ProblemSource.OfPair(ProblemClass.Addition, operation, a, b, "").Solution);

    [Fact]
    public void Draw_AnyStep_IsTrueArithmetic() =>
        Gen.Select(Gen.Enum<ProblemClass>(), Gen.ULong).Sample((problemClass, seed) =>
        {
            using DataTable calculator = new();
            Problem problem = ProblemSource.Draw(problemClass, SplitPart.Training, new SeededRandom(seed));
            foreach (string line in problem.Solution.Split('\n').Where(line => line.Contains('=')))
            {
                string[] sides = line.Split('=');
                Assert.Single(sides.Select(side => Convert.ToInt64(calculator.Compute(side, null))).Distinct());
            }
            return AnswerVerifier.IsExact(problem, problem.Solution);
        }, iter: 2000);

    [Fact]
    public void Draw_EachClass_AsksInManyWordings()
    {
        foreach (ProblemClass problemClass in Enum.GetValues<ProblemClass>())
        {
            SeededRandom random = new(seed: 3);
            HashSet<string> wordings = [.. Enumerable.Range(0, 2000).Select(_ =>
                string.Concat(ProblemSource.Draw(problemClass, SplitPart.Training, random).Question.Where(c => !char.IsDigit(c))))];
            Assert.True(wordings.Count > 60, $"{problemClass}: {wordings.Count} wordings");
        }
    }

    [Theory]
    [InlineData("Answer: 6", true)]
    [InlineData("8+5=13\nAnswer: 6\n", true)]
    [InlineData("Answer: 6.", false)]
    [InlineData("Answer: 6\nAnswer: 7", false)]
    [InlineData("The Answer: 6", false)]
    [InlineData("6", false)]
    [InlineData("", false)]
    public void IsExact_Replies_OnlyTheLastLineCounts(string reply, bool isRight)
    {
        Problem problem = new(ProblemClass.Addition, "What is 2 + 4?", "2+4=6\nAnswer: 6", SplitPart.Training);
        Assert.Equal(isRight, AnswerVerifier.IsExact(problem, reply));
        Assert.Equal(isRight ? 1 : 0, AnswerVerifier.Reward(problem, reply));
    }
}
