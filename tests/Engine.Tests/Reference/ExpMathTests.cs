using MegaInfer.Engine.Reference;
using Xunit;

namespace MegaInfer.Engine.Tests.Reference;

public sealed class ExpMathTests
{
    [Fact]
    public void Exp_WholeRange_IsWithinOneUnitInTheLastPlace()
    {
        for (float x = -87.3f; x < 88.3f; x += 0.0037f)
        {
            float exact = (float)Math.Exp(x);
            int distance = Math.Abs(BitConverter.SingleToInt32Bits(ExpMath.Exp(x)) - BitConverter.SingleToInt32Bits(exact));
            Assert.True(distance <= 1, $"exp({x:R}) is {distance} units away");
        }
    }

    [Fact]
    public void Exp_Edges_AreAsStated()
    {
        Assert.Equal(1f, ExpMath.Exp(0f));
        Assert.Equal(0f, ExpMath.Exp(-88f));
        Assert.Equal(0f, ExpMath.Exp(float.NegativeInfinity));
        Assert.True(float.IsFinite(ExpMath.Exp(float.PositiveInfinity)));
        Assert.True(float.IsNaN(ExpMath.Exp(float.NaN)));
    }

    [Fact]
    public void Exp_ManyAtOnce_HasTheSameBits()
    {
        float[] x = [float.NaN, float.NegativeInfinity, float.PositiveInfinity, 100f, .. Enumerable.Range(0, 5_001).Select(i => (i - 2_500) * 0.0371f)];
        float[] result = new float[x.Length];
        ExpMath.Exp(x, result);
        for (int i = 0; i < x.Length; i++)
            Assert.Equal(BitConverter.SingleToInt32Bits(ExpMath.Exp(x[i])), BitConverter.SingleToInt32Bits(result[i]));
    }
}
