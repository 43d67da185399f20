using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>Turns queries and keys by their position: mk_rope.</summary>
internal sealed class Rope(RopeSpec spec, int headDim, int context)
{
    private readonly float[] _table = RopeTable.Build(spec, context); // [context, rotary dim]: cosines, then sines

    /// <summary>[heads x head dim], in place; the first rotary components of each head turn in pairs (i, i + half).</summary>
    public void Forward(Span<float> row, int position)
    {
        int half = spec.RotaryDim / 2;
        ReadOnlySpan<float> cosine = _table.AsSpan(position * spec.RotaryDim, half);
        ReadOnlySpan<float> sine = _table.AsSpan((position * spec.RotaryDim) + half, half);
        for (int start = 0; start < row.Length; start += headDim)
        {
            Span<float> head = row.Slice(start, headDim);
            for (int i = 0; i < half; i++)
            {
                float first = head[i];
                float second = head[half + i];
                head[i] = MathF.FusedMultiplyAdd(first, cosine[i], -(second * sine[i]));
                head[half + i] = MathF.FusedMultiplyAdd(second, cosine[i], first * sine[i]);
            }
        }
    }
}
