using CsCheck;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using Xunit;

namespace MegaInfer.Engine.Tests.Reference;

public sealed class GateTests
{
    private static readonly Gen<(int GroupSize, int Groups, int TopGroups, int TopK)> Shapes =
        from groupSize in Gen.Int[1, 5]
        from groups in Gen.Int[1, 5]
        from topGroups in Gen.Int[1, groups]
        from topK in Gen.Int[1, topGroups * groupSize]
        select (groupSize, groups, topGroups, topK);

    [Fact]
    public void Forward_AnyRouter_IsTheChoiceByRank() =>
        Gen.Select(Shapes, Gen.Enum<RouterScore>(), Gen.Enum<GroupScore>(), Gen.Bool, Gen.Bool, Gen.Int).Sample((shape, score, group, corrected, normalized, seed) =>
        {
            int count = shape.GroupSize * shape.Groups;
            var spec = new RouterSpec(count, shape.TopK, normalized)
            {
                Score = score,
                Groups = shape.Groups,
                TopGroups = shape.TopGroups,
                GroupScore = group,
                HasCorrection = corrected,
                Scaling = 2.5f,
            };
            float[] logits = Doubles.Random(seed, count, 2);
            float[]? correction = corrected ? Doubles.Random(seed + 1, count, 0.3) : null;

            (ExpertId Expert, float Weight)[] routing = new Gate(spec, correction).Forward(logits);

            double[] scores = score == RouterScore.Softmax ? Doubles.Softmax(Doubles.Of(logits)) : [.. logits.Select(logit => Doubles.Sigmoid(logit))];
            int[] chosen = Choose(spec, [.. scores.Select((value, expert) => value + (correction?[expert] ?? 0))]);
            Assert.Equal(chosen, routing.Select(route => route.Expert.Value));
            double total = normalized ? chosen.Sum(expert => scores[expert]) : 1;
            Doubles.AssertClose([.. chosen.Select(expert => 2.5 * scores[expert] / total)], [.. routing.Select(route => route.Weight)]);
        });

    [Fact]
    public void Forward_EqualExperts_TiesGoToTheLower()
    {
        var spec = new RouterSpec(6, 3, IsNormalized: true);
        Assert.Equal([1, 2, 4], new Gate(spec).Forward([0f, 1f, 2f, 0f, 1f, 1f]).Select(route => route.Expert.Value));
    }

    [Theory]
    [InlineData(GroupScore.Maximum, new[] { 2, 3 })]
    [InlineData(GroupScore.TopTwo, new[] { 0, 1 })]
    public void Forward_EqualGroups_TiesGoToTheLower(GroupScore score, int[] expected)
    {
        // By their greatest, the second and third group tie; by their two greatest, the first and third.
        var spec = new RouterSpec(6, 2, IsNormalized: true) { Score = RouterScore.Sigmoid, Groups = 3, TopGroups = 1, GroupScore = score };
        float[] correction = [2f, 1.5f, 3f, -9f, 3f, 0.5f];
        Assert.Equal(expected, new Gate(spec, correction).Forward(new float[6]).Select(route => route.Expert.Value));
    }

    [Fact]
    public void Forward_ExpertsThatAreNotANumber_ComeLast()
    {
        var spec = new RouterSpec(4, 2, IsNormalized: false) { Score = RouterScore.Sigmoid };
        Assert.Equal([1, 3], new Gate(spec).Forward([float.NaN, -5f, float.NaN, -6f]).Select(route => route.Expert.Value));
    }

    [Fact]
    public void Forward_GroupsThatAreNotANumber_ComeLast()
    {
        var spec = new RouterSpec(4, 1, IsNormalized: false) { Score = RouterScore.Sigmoid, Groups = 2, TopGroups = 1, GroupScore = GroupScore.TopTwo };
        float[] correction = [float.PositiveInfinity, float.NegativeInfinity, 0f, 0f];
        Assert.Equal([2], new Gate(spec, correction).Forward(new float[4]).Select(route => route.Expert.Value));
    }

    [Fact]
    public void Forward_Correction_MovesTheChoiceAndNotTheWeight()
    {
        var spec = new RouterSpec(2, 1, IsNormalized: false) { Score = RouterScore.Sigmoid, HasCorrection = true };
        Assert.Equal([(new ExpertId(1), 0.5f)], new Gate(spec, [0f, 1f]).Forward([3f, 0f]));
    }

    /// <summary>An index is chosen where fewer than enough others precede it: greater, or as great and lower.</summary>
    private static int[] Choose(RouterSpec spec, double[] keys)
    {
        double[][] groups = [.. keys.Chunk(keys.Length / spec.Groups)];
        double[] groupScores = [.. groups.Select(members =>
            spec.GroupScore == GroupScore.Maximum || members.Length == 1 ? members.Max() : Pairs(members).Max())];
        int[] allowed = [.. First(groupScores, spec.TopGroups).SelectMany(group => Enumerable.Range(group * groups[0].Length, groups[0].Length))];
        return [.. First([.. allowed.Select(expert => keys[expert])], spec.ExpertsPerToken).Select(i => allowed[i])];

        static int[] First(double[] keys, int count) => [.. Enumerable.Range(0, keys.Length).Where(i =>
            Enumerable.Range(0, keys.Length).Count(other => keys[other] > keys[i] || (keys[other] == keys[i] && other < i)) < count)];

        static IEnumerable<double> Pairs(double[] members) => members.SelectMany((a, i) => members[..i].Select(b => a + b));
    }
}
