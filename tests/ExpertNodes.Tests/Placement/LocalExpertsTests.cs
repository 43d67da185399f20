using CsCheck;
using MegaInfer.Engine;
using MegaInfer.ExpertNodes.Placement;
using Xunit;

namespace MegaInfer.ExpertNodes.Tests.Placement;

public sealed class LocalExpertsTests
{
    [Fact]
    public void TryFind_AnyHoldings_IsTheInverseOfHeld()
    {
        Gen<(int Count, int[] Held)> gen =
            from count in Gen.Int[1, 80]
            from flags in Gen.Bool.Array[count]
            select (count, Enumerable.Range(0, count).Where(expert => flags[expert]).Reverse().ToArray());
        gen.Sample(sample =>
        {
            var experts = new LocalExperts(sample.Count, sample.Held.Select(value => new ExpertId(value)));
            for (uint key = 0; key < sample.Count; key++)
            {
                bool isHeld = sample.Held.Contains((int)key);
                Assert.Equal(isHeld, experts.TryFind(key, out int local));
                if (isHeld)
                    Assert.Equal((int)key, experts.Held[local].Value);
            }

            Assert.Equal(sample.Held.Length, experts.Count);
            Assert.Equal(experts.Held.OrderBy(expert => expert.Value), experts.Held);
        });
    }

    [Theory]
    [InlineData(4u)]
    [InlineData(0x8000_0000u)]
    [InlineData(uint.MaxValue)]
    public void TryFind_KeyBeyondTheModel_IsFalse(uint key) =>
        Assert.False(new LocalExperts(4, [new ExpertId(3)]).TryFind(key, out _));

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    public void Constructor_ExpertOutsideTheModel_Throws(int expert) =>
        Assert.Throws<ArgumentException>(() => new LocalExperts(4, [new ExpertId(expert)]));

    [Fact]
    public void Constructor_SameExpertTwice_Throws() =>
        Assert.Throws<ArgumentException>(() => new LocalExperts(4, [new ExpertId(1), new ExpertId(1)]));
}
