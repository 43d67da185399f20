using System.Numerics;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>
/// A row times a weight matrix: mk_gemm. Each output is one chain of fused multiply-adds over the inputs, ascending, from 0. The weights are kept as [in, out], so that
/// neighbouring outputs take their steps together; that changes no bit of any of them.
/// </summary>
internal sealed class Linear
{
    private readonly float[] _weights; // [in, out]
    private readonly int _inputs;
    private readonly int _outputs;

    /// <param name="tensor">[out, in] as in the checkpoint.</param>
    /// <param name="type">What the weights are packed as: BFloat16 rounds wider ones.</param>
    public Linear(CheckpointTensor tensor, NumberType type)
    {
        _outputs = tensor.Shape[0];
        _inputs = tensor.Shape[1];
        float[] stored = tensor.ToFloat32();
        _weights = new float[stored.Length];
        for (int output = 0; output < _outputs; output++)
        {
            for (int input = 0; input < _inputs; input++)
            {
                float weight = stored[(output * _inputs) + input];
                _weights[(input * _outputs) + output] = type == NumberType.BFloat16 ? BFloat16.Round(weight) : weight;
            }
        }
    }

    // [in] -> [out]
    public float[] Forward(ReadOnlySpan<float> row)
    {
        float[] result = new float[_outputs];
        for (int input = 0; input < _inputs; input++)
            AddScaled(row[input], _weights.AsSpan(input * _outputs, _outputs), result);
        return result;
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
