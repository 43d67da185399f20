using CsCheck;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels.Operations;
using Xunit;

namespace MegaInfer.Kernels.Tests.Operations;

/// <summary>What the kernels' packing makes of weights is, code by code, what the plain <see cref="GroupQuantization"/> makes of them.</summary>
public sealed class IntegerWeightTests
{
    private const int Group = GroupQuantization.Group;

    private static readonly float[] Special = [0f, -0f, 1f, -1f, 0.5f, float.Epsilon, 1e-3f];

    // Magnitudes beyond both ends of an fp16 scale; neighbours that are equal, zero, subnormal or each other's negatives.
    private static readonly Gen<float[]> Groups = Gen.Select(
        Gen.Int[-140, 50], Gen.OneOf(Gen.Float[-1f, 1f], Gen.Int[0, 6].Select(i => Special[i])).Array[Group],
        (exponent, values) => values.Select(value => MathF.ScaleB(value, exponent)).ToArray());

    [Theory]
    [InlineData(WeightType.Int8, KernelBackend.Reference)]
    [InlineData(WeightType.Int8, KernelBackend.Auto)]
    [InlineData(WeightType.Int4, KernelBackend.Reference)]
    [InlineData(WeightType.Int4, KernelBackend.Auto)]
    public void Packing_AnyGroups_MakesTheSameCodesAndScalesAsThePlainForm(WeightType type, KernelBackend backend)
    {
        using KernelContext context = KernelContext.Create(new KernelContextOptions { Backend = backend, ThreadCount = 1 });
        using HostArray<float> probes = new(context, Probes());
        Groups.Array[1, 40].Sample(
            groups =>
            {
                using HostArray<float> source = new(context, [.. groups.SelectMany(group => group)]); // [groups, 32]
                using PackedWeight weight = context.PackWeight([new MatrixSource(source, WeightType.F32, groups.Length)], Group, type);
                using HostArray<float> output = new(context, new float[Group * groups.Length]);
                context.Gemm(weight, new GemmArgs { In = probes, Out = output, Rows = Group, InStride = Group, OutStride = groups.Length });
                for (int g = 0; g < groups.Length; g++)
                    Assert.Equal(Expected((NumberType)type, groups[g]), Enumerable.Range(0, Group).Select(i => Bits(output.Span[(i * groups.Length) + g])));
            },
            iter: 150, threads: 1);
    }

    // A row for each place: 127 there, so that its factor is 1 and the product 127 codes times the scale.
    private static float[] Probes()
    {
        float[] rows = new float[Group * Group];
        for (int i = 0; i < Group; i++)
            rows[(i * Group) + i] = 127f;
        return rows;
    }

    private static int[] Expected(NumberType type, float[] group)
    {
        sbyte[] codes = new sbyte[Group];
        float scale = GroupQuantization.QuantizeWeights(type, group, codes);
        sbyte[] probe = new sbyte[Group];
        float factor = GroupQuantization.QuantizeRow([127f, .. new float[Group - 1]], probe);
        return [.. codes.Select(code => Bits(MathF.FusedMultiplyAdd(code * probe[0], scale * factor, 0f)))];
    }

    private static int Bits(float value) => BitConverter.SingleToInt32Bits(value);
}
