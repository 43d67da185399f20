using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>
/// Each query head over the cached positions of its sequence, its own included, in tiles of 16 positions with a running maximum and sum: mk_paged_attention.
/// </summary>
/// <param name="spec">Heads, widths and scale.</param>
/// <param name="window">Positions that are seen, the last ones; 0: all.</param>
/// <param name="sinks">[heads]: a score that takes its share of the softmax and has no value; null: none.</param>
internal sealed class PagedAttention(AttentionSpec spec, int window, float[]? sinks)
{
    private const int Tile = PipelineShape.KvBlockTokens;

    // queries [heads x key dim] -> attended [heads x value dim]
    public float[] Forward(ReadOnlySpan<float> queries, KvCache cache)
    {
        float[] result = new float[spec.HeadCount * spec.ValueDim];
        for (int head = 0; head < spec.HeadCount; head++)
        {
            ReadOnlySpan<float> query = queries.Slice(head * spec.KeyDim, spec.KeyDim);
            int kvHead = head / (spec.HeadCount / spec.KvHeadCount);
            ForwardHead(query, cache, kvHead, sinks?[head], result.AsSpan(head * spec.ValueDim, spec.ValueDim));
        }

        return result;
    }

    private void ForwardHead(ReadOnlySpan<float> query, KvCache cache, int kvHead, float? sink, Span<float> weighted)
    {
        float maximum = 0;
        float sum = 0;
        Span<float> scores = stackalloc float[Tile];
        Span<float> shares = stackalloc float[Tile];
        int first = window == 0 ? 0 : Math.Max(0, cache.Length - window);
        // Tiles are counted from position 0, wherever the window begins: a row's bits must not depend on how its block came to be.
        int firstTile = first / Tile * Tile;
        for (int start = firstTile; start < cache.Length; start += Tile)
        {
            int from = Math.Max(first - start, 0);
            int to = Math.Min(cache.Length - start, Tile);
            float tileMaximum = 0;
            for (int i = from; i < to; i++)
            {
                scores[i] = Dot(query, cache.Key(start + i, kvHead)) * spec.Scale;
                tileMaximum = i == from ? scores[i] : MaximumOf(scores[i], tileMaximum);
            }

            float before = maximum;
            maximum = start == firstTile ? tileMaximum : MaximumOf(tileMaximum, before);
            float correction = start == firstTile ? 1f : ExpMath.Exp(before - maximum);
            shares.Clear();
            for (int i = from; i < to; i++)
                shares[i] = ExpMath.Exp(scores[i] - maximum);
            Scale(weighted, correction);
            for (int i = from; i < to; i++)
                AddScaled(shares[i], cache.Value(start + i, kvHead), weighted);
            sum = MathF.FusedMultiplyAdd(sum, correction, Lanes.Fold(shares));
        }

        if (sink is { } score)
        {
            float before = maximum;
            maximum = MaximumOf(score, before);
            float correction = ExpMath.Exp(before - maximum);
            sum = MathF.FusedMultiplyAdd(sum, correction, ExpMath.Exp(score - maximum));
            Scale(weighted, correction);
        }

        Scale(weighted, 1f / sum);
    }

    private static float Dot(ReadOnlySpan<float> query, ReadOnlySpan<float> key)
    {
        float score = 0;
        for (int d = 0; d < query.Length; d++)
            score = MathF.FusedMultiplyAdd(query[d], key[d], score);
        return score;
    }

    private static void Scale(Span<float> row, float factor)
    {
        for (int d = 0; d < row.Length; d++)
            row[d] *= factor;
    }

    private static void AddScaled(float share, ReadOnlySpan<float> value, Span<float> weighted)
    {
        for (int d = 0; d < weighted.Length; d++)
            weighted[d] = MathF.FusedMultiplyAdd(share, value[d], weighted[d]);
    }

    private static float MaximumOf(float a, float b) => a > b ? a : b;
}
