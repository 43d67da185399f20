using Xunit;

namespace MegaInfer.Golden;

public sealed class PairwiseCoverTests
{
    [Fact]
    public void Rows_WithoutConstraint_CoverEveryPair()
    {
        int[] levels = [2, 3, 4, 2, 2, 4, 3];
        IReadOnlyList<int[]> rows = PairwiseCover.Rows(levels, _ => true, seed: 1);
        HashSet<(int, int, int, int)> covered = [.. rows.SelectMany(PairwiseCover.Pairs)];
        int wanted = 0;
        for (int f = 0; f < levels.Length; f++)
        {
            for (int g = f + 1; g < levels.Length; g++)
                wanted += levels[f] * levels[g];
        }

        Assert.Equal(wanted, covered.Count);
        Assert.True(rows.Count < 40, $"{rows.Count} rows");
    }

    [Fact]
    public void Rows_OfTheDeployments_CoverEveryPairThatIsAllowed()
    {
        IEnumerable<int[]> all = PairwiseCover.Product(Deployment.Levels, Deployment.IsAllowed);
        HashSet<(int, int, int, int)> open = [.. all.SelectMany(PairwiseCover.Pairs)];
        open.ExceptWith(PairwiseCover.Rows(Deployment.Levels, Deployment.IsAllowed, GoldenTests.CoverSeed).SelectMany(PairwiseCover.Pairs));
        Assert.Empty(open);
    }

    [Fact]
    public void Product_OfTwoAndThree_HasSixRows() => Assert.Equal(6, PairwiseCover.Product([2, 3], _ => true).Count());
}
