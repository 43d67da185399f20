using CsCheck;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Model;

public sealed class SmallFloatsTests
{
    [Theory]
    [InlineData(0x00, 0f)]
    [InlineData(0x01, 0.001953125f)] // 2^-9, the least
    [InlineData(0x08, 0.015625f)] // 2^-6, the least with a leading one
    [InlineData(0x38, 1f)]
    [InlineData(0x3C, 1.5f)]
    [InlineData(0x7E, 448f)]
    [InlineData(0xFE, -448f)]
    [InlineData(0xB8, -1f)]
    public void OfE4M3_KnownCodes_AreTheirNumbers(byte code, float expected) => Assert.Equal(expected, SmallFloats.OfE4M3(code));

    [Fact]
    public void OfE4M3_TwoCodes_AreNotNumbers() =>
        Assert.Equal([0x7F, 0xFF], Enumerable.Range(0, 256).Where(code => float.IsNaN(SmallFloats.OfE4M3((byte)code))));

    [Fact]
    public void ToE4M3_EveryCode_ComesBack()
    {
        foreach (int code in Enumerable.Range(0, 256).Where(code => (code & 0x7F) != 0x7F))
            Assert.Equal(code, SmallFloats.ToE4M3(SmallFloats.OfE4M3((byte)code)));
    }

    [Fact]
    public void ToE4M3_AnyNumber_IsTheNearest() => Gen.Float[-500, 500].Sample(
        value =>
        {
            double distance = Math.Abs(SmallFloats.OfE4M3(SmallFloats.ToE4M3(value)) - (double)value);
            Assert.All(Enumerable.Range(0, 256).Select(code => SmallFloats.OfE4M3((byte)code)).Where(float.IsFinite), other => Assert.True(distance <= Math.Abs(other - (double)value)));
        },
        iter: 300,
        threads: 1);

    [Fact]
    public void OfE2M1_SixteenCodes_AreTheirNumbers() => Assert.Equal(
        [0f, 0.5f, 1f, 1.5f, 2f, 3f, 4f, 6f, -0f, -0.5f, -1f, -1.5f, -2f, -3f, -4f, -6f], Enumerable.Range(0, 16).Select(SmallFloats.OfE2M1));

    [Theory]
    [InlineData(127, 1f)]
    [InlineData(128, 2f)]
    [InlineData(0, 5.877472e-39f)] // 2^-127
    [InlineData(254, 1.7014118e38f)] // 2^127
    [InlineData(255, float.NaN)]
    public void OfE8M0_KnownCodes_ArePowersOfTwo(byte code, float expected) => Assert.Equal(expected, SmallFloats.OfE8M0(code));
}
