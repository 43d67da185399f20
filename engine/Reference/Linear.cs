using System.Numerics;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>
/// A row times a weight matrix, then a bias: mk_gemm. Each output is one chain of fused multiply-adds over the inputs, ascending, from 0; beside bf16 weights the row is
/// rounded to bf16 first, and subnormal numbers are zero. The weights are kept as [in, out], so that neighbouring outputs take their steps together; that changes no bit
/// of any of them.
/// </summary>
internal sealed class Linear
{
    private readonly float[] _weights; // [in, out]; none where the weights are whole numbers
    private readonly IntegerMatrix? _integer;
    private readonly int _outputs;
    private readonly float[]? _bias;
    private readonly bool _isBFloat16;

    /// <param name="weights">[out, in], as a checkpoint has them.</param>
    /// <param name="inputs">Width of the row.</param>
    /// <param name="bias">[out] or null.</param>
    /// <param name="isBFloat16">Whether the weights are bf16, widened.</param>
    public Linear(ReadOnlySpan<float> weights, int inputs, float[]? bias = null, bool isBFloat16 = false)
    {
        _isBFloat16 = isBFloat16;
        _outputs = weights.Length / inputs;
        _bias = bias;
        _weights = new float[weights.Length];
        for (int output = 0; output < _outputs; output++)
        {
            for (int input = 0; input < inputs; input++)
                _weights[(input * _outputs) + output] = weights[(output * inputs) + input];
        }
    }

    private Linear(IntegerMatrix integer, float[]? bias)
    {
        _outputs = integer.Outputs;
        _bias = bias;
        _weights = [];
        _integer = integer;
    }

    /// <summary>A matrix of a checkpoint as a node packs it.</summary>
    /// <param name="matrix">[out, in]</param>
    /// <param name="type">BFloat16 rounds what is wider, quantised weights too; Int8 and Int4 quantise; Float32 keeps every value that is stored; null: the type that is stored.</param>
    /// <param name="bias">[out] or null; never rounded.</param>
    public static Linear Of(MatrixView matrix, NumberType? type, float[]? bias = null) => Stacked([matrix], type, bias);

    /// <summary>Matrices of the same inputs as one, the outputs of the first before those of the second.</summary>
    public static Linear Stacked(IReadOnlyList<MatrixView> matrices, NumberType? wanted, float[]? bias = null)
    {
        NumberType type = wanted ?? MatrixView.CommonType(matrices);
        float[] weights = [.. matrices.SelectMany(matrix => Load(matrix, type))];
        int inputs = matrices[0].Columns;
        return type.IsInteger() ? new Linear(new IntegerMatrix(weights, inputs, type), bias) : new Linear(weights, inputs, bias, type == NumberType.BFloat16);
    }

    // [in] -> [out]
    public float[] Forward(ReadOnlySpan<float> row)
    {
        float[] result = _integer?.Forward(row) ?? new float[_outputs];
        for (int input = 0; _integer is null && input < row.Length; input++)
        {
            ReadOnlySpan<float> weights = _weights.AsSpan(input * _outputs, _outputs);
            if (_isBFloat16)
                AddScaledNormal(BFloat16.Round(NormalOrZero(row[input])), weights, result);
            else
                AddScaled(row[input], weights, result);
        }

        for (int output = 0; _isBFloat16 && row.Length % 2 == 1 && output < _outputs; output++)
            result[output] += 0f; // columns come in pairs: the last one's other half makes -0 to 0
        for (int output = 0; _bias is not null && output < _outputs; output++)
            result[output] += _bias[output];
        return result;
    }

    private static float[] Load(MatrixView matrix, NumberType type)
    {
        float[] weights = matrix.ToFloat32();
        if (type == NumberType.BFloat16)
        {
            for (int i = 0; i < weights.Length; i++)
                weights[i] = NormalOrZero(BFloat16.Round(weights[i]));
        }

        return weights;
    }

    private static float NormalOrZero(float value) => float.IsSubnormal(value) ? MathF.CopySign(0f, value) : value;

    /// <summary>The same as <see cref="AddScaled"/>, and what becomes subnormal is zero.</summary>
    private static void AddScaledNormal(float factor, ReadOnlySpan<float> weights, Span<float> result)
    {
        AddScaled(factor, weights, result);
        for (int i = 0; i < result.Length; i++)
            result[i] = NormalOrZero(result[i]);
    }

    /// <summary>result = fma(factor, weights, result), element by element.</summary>
    private static void AddScaled(float factor, ReadOnlySpan<float> weights, Span<float> result)
    {
        var factors = new Vector<float>(factor);
        int i = 0;
        for (; i <= result.Length - Vector<float>.Count; i += Vector<float>.Count)
            Vector.FusedMultiplyAdd(factors, new Vector<float>(weights[i..]), new Vector<float>(result[i..])).CopyTo(result[i..]);
        for (; i < result.Length; i++)
            result[i] = MathF.FusedMultiplyAdd(factor, weights[i], result[i]);
    }
}
