using CsCheck;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Model;

public sealed class GroupQuantizationTests
{
    private static readonly Gen<float[]> Groups = Gen.Float[-4f, 4f].Array[GroupQuantization.Group];

    [Fact]
    public void Int8Weights_AreOffByHalfAStepAtMost() => Groups.Sample(group =>
    {
        sbyte[] codes = new sbyte[group.Length];
        float scale = GroupQuantization.QuantizeWeights(NumberType.Int8, group, codes);
        for (int i = 0; i < group.Length; i++)
            Assert.True(MathF.Abs(group[i] - (codes[i] * scale)) <= (0.5f + (127f / 2048)) * scale + 1e-7f);
    });

    [Fact]
    public void Int4Codes_StayInTheirRange() => Groups.Sample(group =>
    {
        sbyte[] codes = new sbyte[group.Length];
        _ = GroupQuantization.QuantizeWeights(NumberType.Int4, group, codes);
        Assert.All(codes, code => Assert.InRange(code, -8, 7));
    });

    [Fact]
    public void Rows_AreOffByHalfAStepAtMost() => Groups.Sample(group =>
    {
        sbyte[] codes = new sbyte[group.Length];
        float factor = GroupQuantization.QuantizeRow(group, codes);
        for (int i = 0; i < group.Length; i++)
            Assert.True(MathF.Abs(group[i] - (codes[i] * factor)) <= (0.5f * factor * 1.0001f) + 1e-7f);
    });

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void RowThatIsNotFinite_HasNoNumberAsFactor(float bad)
    {
        float[] group = new float[GroupQuantization.Group];
        sbyte[] codes = new sbyte[group.Length];
        (group[3], group[31]) = (1f, bad);
        Assert.True(float.IsNaN(GroupQuantization.QuantizeRow(group, codes)));
        Assert.All(codes, code => Assert.Equal(0, code));
    }
}
