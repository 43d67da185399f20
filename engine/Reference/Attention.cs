using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>
/// Each query head over all cached positions of its sequence, its own included, in tiles of 16 positions with a running maximum and sum: mk_paged_attention.
/// </summary>
internal sealed class Attention(GroupedAttentionSpec spec)
{
    private const int Tile = PipelineShape.KvBlockTokens;

    // queries [heads x head dim] -> attended [heads x head dim]
    public float[] Forward(ReadOnlySpan<float> queries, KvCache cache)
    {
        float[] result = new float[queries.Length];
        for (int head = 0; head < spec.HeadCount; head++)
        {
            int kvStart = head / (spec.HeadCount / spec.KvHeadCount) * spec.HeadDim;
            ForwardHead(queries.Slice(head * spec.HeadDim, spec.HeadDim), cache, kvStart, result.AsSpan(head * spec.HeadDim, spec.HeadDim));
        }

        return result;
    }

    private void ForwardHead(ReadOnlySpan<float> query, KvCache cache, int kvStart, Span<float> weighted)
    {
        float maximum = 0;
        float sum = 0;
        Span<float> scores = stackalloc float[Tile];
        Span<float> shares = stackalloc float[Tile];
        for (int start = 0; start < cache.Length; start += Tile)
        {
            int valid = Math.Min(Tile, cache.Length - start);
            float tileMaximum = 0;
            for (int i = 0; i < valid; i++)
            {
                scores[i] = Dot(query, cache.Key(start + i).Slice(kvStart, spec.HeadDim)) * spec.Scale;
                tileMaximum = i == 0 ? scores[0] : MaximumOf(scores[i], tileMaximum);
            }

            float before = maximum;
            maximum = start == 0 ? tileMaximum : MaximumOf(tileMaximum, before);
            float correction = start == 0 ? 1f : ExpMath.Exp(before - maximum);
            shares.Clear();
            for (int i = 0; i < valid; i++)
                shares[i] = ExpMath.Exp(scores[i] - maximum);
            for (int d = 0; d < weighted.Length; d++)
            {
                float value = weighted[d] * correction;
                for (int i = 0; i < valid; i++)
                    value = MathF.FusedMultiplyAdd(shares[i], cache.Value(start + i)[kvStart + d], value);
                weighted[d] = value;
            }

            sum = MathF.FusedMultiplyAdd(sum, correction, Lanes.Fold(shares));
        }

        float factor = 1f / sum;
        for (int d = 0; d < weighted.Length; d++)
            weighted[d] *= factor;
    }

    private static float Dot(ReadOnlySpan<float> query, ReadOnlySpan<float> key)
    {
        float score = 0;
        for (int d = 0; d < query.Length; d++)
            score = MathF.FusedMultiplyAdd(query[d], key[d], score);
        return score;
    }

    private static float MaximumOf(float a, float b) => a > b ? a : b;
}
