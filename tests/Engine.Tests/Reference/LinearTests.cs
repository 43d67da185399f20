using CsCheck;
using MegaInfer.Engine.Reference;
using Xunit;

namespace MegaInfer.Engine.Tests.Reference;

public sealed class LinearTests
{
    [Fact]
    public void Forward_AnyShape_IsOneChainForEachOutputThenTheBias() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40], Gen.Bool, Gen.Int).Sample((inputs, outputs, hasBias, seed) =>
        {
            float[] weights = Doubles.Random(seed, inputs * outputs);
            float[] row = Doubles.Random(seed + 1, inputs);
            float[]? bias = hasBias ? Doubles.Random(seed + 2, outputs) : null;

            float[] result = new Linear(weights, inputs, bias).Forward(row);

            for (int output = 0; output < outputs; output++)
            {
                float sum = 0;
                for (int input = 0; input < inputs; input++)
                    sum = MathF.FusedMultiplyAdd(row[input], weights[(output * inputs) + input], sum);
                Assert.Equal(bias is null ? sum : sum + bias[output], result[output]);
            }
        });
}
