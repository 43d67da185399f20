using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using Xunit;

namespace MegaInfer.Engine.Tests.Reference;

public sealed class ExpertTests
{
    private const int Hidden = 9;
    private const int Width = 21;

    private static readonly ExpertSpec Clamped = new(Width) { Activation = Activation.ClampedSwiglu, Alpha = 1.702f, Limit = 1.5f, HasBias = true };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forward_WithAndWithoutClamps_IsTheDefinition(bool isClamped)
    {
        ExpertSpec spec = isClamped ? Clamped : new ExpertSpec(Width);
        float[] gate = Doubles.Random(1, Width * Hidden, 0.7);
        float[] up = Doubles.Random(2, Width * Hidden, 0.7);
        float[] down = Doubles.Random(3, Hidden * Width, 0.7);
        float[]? gateBias = isClamped ? Doubles.Random(4, Width) : null;
        float[]? upBias = isClamped ? Doubles.Random(5, Width) : null;
        float[]? downBias = isClamped ? Doubles.Random(6, Hidden) : null;
        float[] row = Doubles.Random(7, Hidden);
        double[] wide = Doubles.Of(row);

        float[] actual = new Expert(spec, new Linear(gate, Hidden, gateBias), new Linear(up, Hidden, upBias), new Linear(down, Width, downBias)).Forward(row);

        double[] gated = Doubles.Times(wide, gate, gateBias);
        double[] middle = [.. gated.Zip(Doubles.Times(wide, up, upBias), (g, u) => isClamped ? ClampedSwiglu(g, u) : Doubles.Swiglu(g, u))];
        Doubles.AssertClose(Doubles.Times(middle, down, downBias), actual);
        Assert.Contains(gated, g => g > Clamped.Limit);
    }

    [Theory]
    [InlineData(100f, 1f)] // the gate has an upper bound
    [InlineData(-100f, 1f)] // and no lower one
    [InlineData(1f, 100f)]
    [InlineData(1f, -100f)]
    [InlineData(0.25f, -1f)] // an up of -1 leaves nothing
    public void Swiglu_Clamped_IsTheDefinition(float gate, float up) =>
        Assert.Equal(ClampedSwiglu(gate, up), Swiglu.Of(Clamped, gate, up), 1e-6);

    [Fact]
    public void Combine_SharedExpert_EntersTheChainLast()
    {
        float[] residual = [0.1f];
        (float Weight, float[] Row)[] results = [(0.3f, [1.1f]), (0.7f, [-3.3f]), (1f, [1e-3f])];
        float sum = MathF.FusedMultiplyAdd(1f, 1e-3f, MathF.FusedMultiplyAdd(0.7f, -3.3f, 0.3f * 1.1f));

        Combine.Forward(residual, results);

        Assert.Equal(0.1f + sum, residual[0]);
    }

    [Fact]
    public void SharedExpert_WithAGate_IsWeightedByItsSigmoid()
    {
        Linear identity = new([1f], 1);
        var expert = new Expert(new ExpertSpec(1), identity, identity, identity);
        (float weight, float[] row) = new SharedExpert(expert, new Linear([-2f], 1)).Forward([0.5f]);

        Assert.Equal(Doubles.Sigmoid(-1), weight, 1e-6);
        Assert.Equal(Doubles.Swiglu(0.5, 0.5), row[0], 1e-6);
        Assert.Equal(1f, new SharedExpert(expert, null).Forward([0.5f]).Weight);
    }

    private static double ClampedSwiglu(double gate, double up)
    {
        double g = Math.Min(gate, 1.5);
        double u = Math.Clamp(up, -1.5, 1.5);
        return g * Doubles.Sigmoid((double)Clamped.Alpha * g) * (u + 1);
    }
}
