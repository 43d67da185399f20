using CsCheck;
using MegaInfer.Engine.Reference;
using Xunit;

namespace MegaInfer.Engine.Tests.Reference;

public sealed class NormTests
{
    private const float Epsilon = 1e-3f; // large enough to be seen

    [Fact]
    public void RmsNorm_OneOrMoreGroups_IsTheDefinition() =>
        Gen.Select(Gen.Int[1, 70], Gen.Int[1, 4], Gen.Int).Sample((width, groups, seed) =>
        {
            float[] weight = Doubles.Random(seed, width);
            float[] row = Doubles.Random(seed + 1, width * groups, 0.1);
            Doubles.AssertClose(Doubles.RmsNorm(Doubles.Of(row), weight, Epsilon), new RmsNorm(weight, Epsilon).Forward(row));
        });

    [Fact]
    public void LayerNorm_RowFarFromZero_IsTheDefinition() =>
        Gen.Select(Gen.Int[8, 70], Gen.Int).Sample((width, seed) =>
        {
            float[] weight = Doubles.Random(seed, width);
            float[] row = [.. Doubles.Random(seed + 1, width, 0.1).Select(value => value + 0.5f)];
            Doubles.AssertClose(Doubles.LayerNorm(Doubles.Of(row), weight, Epsilon), new LayerNorm(weight, Epsilon).Forward(row), 1e-4);
        });

    [Fact]
    public void LayerNorm_ConstantRow_IsZero() =>
        Assert.All(new LayerNorm([1f, 2f, 3f], Epsilon).Forward([0.75f, 0.75f, 0.75f]), value => Assert.Equal(0f, value));

    [Fact]
    public void Clamp_Numbers_AreBoundedOnBothSides()
    {
        float[] row = [-9f, -2.5f, -2f, -1f, 0f, 2f, 2.5f, float.NegativeInfinity, float.NaN];
        Clamp.Forward(row, 2f);
        Assert.Equal([-2f, -2f, -2f, -1f, 0f, 2f, 2f, -2f, float.NaN], row);
    }
}
