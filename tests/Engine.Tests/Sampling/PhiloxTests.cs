using MegaInfer.Engine.Sampling;
using Xunit;

namespace MegaInfer.Engine.Tests.Sampling;

public sealed class PhiloxTests
{
    // The known answers of the generator's authors.
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Block_KnownCounter_GivesKnownWords(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint w0, uint w1, uint w2, uint w3) =>
        Assert.Equal((w0, w1, w2, w3), Philox.Block(c0, c1, c2, c3, k0, k1));

    [Fact]
    public void Uniform_EachPartOfTheKey_MattersAlone()
    {
        double[] draws =
        [
            Philox.Uniform(1, 0, 5, 0), Philox.Uniform(2, 0, 5, 0), Philox.Uniform(1UL << 40, 0, 5, 0), Philox.Uniform(1, 1, 5, 0),
            Philox.Uniform(1, 0, 6, 0), Philox.Uniform(1, 0, 5L + (1L << 32), 0), Philox.Uniform(1, 0, 5, 1),
        ];
        Assert.Equal(draws.Length, draws.Distinct().Count());
        Assert.Equal(draws[0], Philox.Uniform(1, 0, 5, 0));
    }

    [Fact]
    public void Uniform_ManyPositions_FillsTheUnitIntervalEvenly()
    {
        int[] bins = new int[16];
        for (int position = 0; position < 16_000; position++)
            bins[(int)(Philox.Uniform(42, 3, position, 0) * 16)]++;
        Assert.All(bins, count => Assert.InRange(count, 850, 1150));
    }
}
