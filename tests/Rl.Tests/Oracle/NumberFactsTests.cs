using MegaInfer.Rl.Tests.Oracle.Tiny;
using TorchSharp;
using Xunit;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>The small number types, against values from their definitions.</summary>
public sealed class NumberFactsTests
{
    [Theory]
    [InlineData(0x00, 0)]
    [InlineData(0x01, 1 / 512f)] // the smallest
    [InlineData(0x07, 7 / 512f)] // the largest without a leading one
    [InlineData(0x08, 1 / 64f)]
    [InlineData(0x38, 1)]
    [InlineData(0x3C, 1.5f)]
    [InlineData(0xC0, -2)]
    [InlineData(0x7E, 448)] // the largest
    [InlineData(0xFE, -448)]
    public void Eight_KnownBits_AreTheirValue(byte bits, float value)
    {
        Assert.Equal(value, OracleNumbers.Eight(bits));
        Assert.Equal(bits, TinyNumbers.Eight(value));
    }

    [Fact]
    public void Eight_AllOnes_IsNoNumber() => Assert.True(float.IsNaN(OracleNumbers.Eight(0x7F)));

    [Fact]
    public void Unpacked_LowHalfFirst_ScalesByPowersOfTwo()
    {
        byte[] blocks = new byte[32];
        blocks[0] = 0x21; // 0.5, then 1
        blocks[1] = 0xF7; // 6, then -6
        blocks[16] = 0x0A; // -1, then 0, in the second block
        using torch.Tensor numbers = OracleNumbers.Unpacked(blocks, [127, 130], [1, 2, 16], lowComesFirst: true);
        Assert.Equal([1L, 64L], numbers.shape);
        float[] values = numbers.data<float>().ToArray();
        Assert.Equal([0.5f, 1, 6, -6], values[..4]);
        Assert.Equal([-8f, 0], values[32..34]);
    }

    [Fact]
    public void Scaled_UnevenEdges_TakeTheScaleOfTheirBlock()
    {
        using torch.Tensor scales = torch.from_array(new float[,] { { 1, 2 }, { 3, 4 } });
        using torch.Tensor scaled = OracleNumbers.Scaled(torch.ones(3, 5), scales, 2, 4);
        Assert.Equal([1f, 1, 1, 1, 2, 1, 1, 1, 1, 2, 3, 3, 3, 3, 4], scaled.data<float>().ToArray());
    }

    [Theory]
    [InlineData("BF16", 1.00390625f, 0x80, 0x3F)] // half way between two, to the even one
    [InlineData("BF16", 1.01171875f, 0x82, 0x3F)]
    [InlineData("F16", 1.5f, 0x00, 0x3E)]
    public void Bytes_SixteenBits_AreRoundedLittleEndian(string type, float value, byte low, byte high) =>
        Assert.Equal([low, high], TinyNumbers.Bytes(type, [value]));
}
