using CsCheck;
using MegaInfer.Rl.Tasks;
using Xunit;

namespace MegaInfer.Rl.Tests.Tasks;

public sealed class SplitTests
{
    [Fact]
    public void OfPair_SwappedOperands_IsTheSamePart() =>
        Gen.Select(Gen.Char["+-*"], Gen.Int[0, 9999], Gen.Int[0, 9999])
            .Sample((operation, a, b) => Split.OfPair(operation, a, b) == Split.OfPair(operation, b, a));

    [Fact]
    public void OfList_AnyOrder_IsTheSamePart() =>
        Gen.Int[0, 99].Array[3, 5].Sample(numbers => Split.OfList(numbers) == Split.OfList(numbers.Reverse()));

    [Fact]
    public void OfPair_ShortProducts_HoldsOutAFifth()
    {
        int[] parts = [0, 0, 0];
        for (int a = 10; a < 100; a++)
        {
            for (int b = 0; b < 10; b++)
                parts[(int)Split.OfPair('*', a, b)]++;
        }
        Assert.InRange((parts[1] + parts[2]) / 900.0, 0.17, 0.23);
        Assert.InRange(parts[(int)SplitPart.Test], 70, 110);
    }

    [Fact]
    public void OfPair_Sums_HoldsOutATwentieth()
    {
        int heldOut = 0;
        for (int a = 100; a < 1000; a += 3)
        {
            for (int b = a; b < 1000; b += 7)
                heldOut += Split.OfPair('+', a, b) == SplitPart.Training ? 0 : 1;
        }
        Assert.InRange(heldOut / 19_350.0, 0.045, 0.056);
    }

    [Theory]
    [InlineData('+', 8, 5)]
    [InlineData('+', 81, 8)]
    [InlineData('-', 18, 9)]
    [InlineData('*', 7, 8)]
    public void OfPair_ColumnFacts_AreTraining(char operation, int a, int b) =>
        Assert.Equal(SplitPart.Training, Split.OfPair(operation, a, b));
}
