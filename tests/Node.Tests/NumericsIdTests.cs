using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Node.Tests;

public sealed class NumericsIdTests
{
    [Theory]
    [InlineData(new[] { NumberType.BFloat16 }, "cpu/bf16/kv-bf16")]
    [InlineData(new[] { NumberType.Float8E4M3, NumberType.BFloat16, NumberType.Float8E4M3 }, "cpu/bf16+fp8/kv-bf16")]
    [InlineData(new[] { NumberType.MxFloat4 }, "cpu/mxfp4/kv-bf16")]
    public void Of_Packings_TellsThemApart(NumberType[] packed, string text) => Assert.Equal(text, NumericsId.Of("cpu", packed, NumberType.BFloat16));

    [Fact]
    public void WeightType_Auto_KeepsWhatIsStored()
    {
        Assert.Null(NumericsId.WeightType("auto"));
        Assert.Null(NumericsId.WeightType(""));
        Assert.Equal(NumberType.BFloat16, NumericsId.WeightType("bf16"));
        Assert.Throws<MegaInferException>(() => NumericsId.WeightType("mxfp4"));
    }
}
