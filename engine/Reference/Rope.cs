using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>Turns queries and keys by their position: mk_rope.</summary>
internal sealed class Rope(RopeSpec spec, int context)
{
    private readonly float[] _table = RopeTable.Build(spec, context); // [context, rotary dim]: cosines, then sines

    /// <summary>[heads x head dim], in place; the first rotary components of each head turn.</summary>
    public void Forward(Span<float> row, int headDim, int position)
    {
        for (int start = 0; start < row.Length; start += headDim)
            ForwardHead(row.Slice(start, spec.RotaryDim), position);
    }

    /// <summary>[rotary dim], in place.</summary>
    public void ForwardHead(Span<float> head, int position)
    {
        int half = spec.RotaryDim / 2;
        ReadOnlySpan<float> cosine = _table.AsSpan(position * spec.RotaryDim, half);
        ReadOnlySpan<float> sine = _table.AsSpan((position * spec.RotaryDim) + half, half);
        for (int i = 0; i < half; i++)
        {
            ref float first = ref head[spec.IsAdjacent ? 2 * i : i];
            ref float second = ref head[spec.IsAdjacent ? (2 * i) + 1 : half + i];
            float turned = MathF.FusedMultiplyAdd(first, cosine[i], -(second * sine[i]));
            second = MathF.FusedMultiplyAdd(second, cosine[i], first * sine[i]);
            first = turned;
        }
    }
}
