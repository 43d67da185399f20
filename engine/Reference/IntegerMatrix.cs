using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>Weights in 8 or 4 bits times rows in 8: within a group whole numbers, over the groups one chain of fused multiply-adds. mk_gemm with such weights.</summary>
internal sealed class IntegerMatrix
{
    private readonly int _inputs;
    private readonly int _groups;
    private readonly sbyte[] _codes; // [out, groups * 32]
    private readonly float[] _scales; // [out, groups]

    /// <param name="weights">[out, in]</param>
    /// <param name="inputs">Width of a row.</param>
    /// <param name="type">Int8 or Int4.</param>
    public IntegerMatrix(ReadOnlySpan<float> weights, int inputs, NumberType type)
    {
        const int group = GroupQuantization.Group;
        _inputs = inputs;
        _groups = (inputs + group - 1) / group;
        Outputs = weights.Length / inputs;
        _codes = new sbyte[Outputs * _groups * group];
        _scales = new float[Outputs * _groups];
        Span<float> values = stackalloc float[group];
        for (int i = 0; i < _scales.Length; i++)
        {
            int begin = i % _groups * group;
            ReadOnlySpan<float> part = weights.Slice((i / _groups * inputs) + begin, Math.Min(group, inputs - begin));
            values.Clear();
            part.CopyTo(values);
            _scales[i] = GroupQuantization.QuantizeWeights(type, values, _codes.AsSpan(i * group, group));
        }
    }

    public int Outputs { get; }

    // [in] -> [out]
    public float[] Forward(ReadOnlySpan<float> row)
    {
        const int group = GroupQuantization.Group;
        sbyte[] codes = new sbyte[_groups * group];
        float[] factors = new float[_groups];
        for (int g = 0; g < _groups; g++)
            factors[g] = GroupQuantization.QuantizeRow(row.Slice(g * group, Math.Min(group, _inputs - (g * group))), codes.AsSpan(g * group, group));
        float[] result = new float[Outputs];
        for (int output = 0; output < Outputs; output++)
        {
            for (int g = 0; g < _groups; g++)
            {
                int at = (output * _groups) + g;
                int dot = Dot(_codes.AsSpan(at * group, group), codes.AsSpan(g * group, group));
                result[output] = MathF.FusedMultiplyAdd(dot, _scales[at] * factors[g], result[output]);
            }
        }

        return result;
    }

    private static int Dot(ReadOnlySpan<sbyte> a, ReadOnlySpan<sbyte> b)
    {
        int sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
