using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>
/// Multi-head latent attention, absorbed: a position caches one normed latent and one rotated key part for all heads. q . (W_k c) is computed as (W_k^T q) . c, and
/// sum of share x (W_v c) as W_v (sum of share x c), so that no key or value of a head is ever made.
/// </summary>
internal sealed class LatentAttention : IAttention
{
    private readonly LatentAttentionSpec _spec;
    private readonly Rope _rope;
    private readonly PagedAttention _paged;

    public LatentAttention(LatentAttentionSpec spec, Rope rope, PagedAttention paged)
    {
        _spec = spec;
        _rope = rope;
        _paged = paged;
    }

    /// <summary>[query rank, hidden]; null where queries come straight from the row.</summary>
    public Linear? QueryDown { get; init; }

    public RmsNorm? QueryDownNorm { get; init; }

    /// <summary>[heads x (nope + rope), query rank or hidden]</summary>
    public required Linear QueryUp { get; init; }

    /// <summary>[KV rank + rope, hidden]</summary>
    public required Linear KvDown { get; init; }

    public required RmsNorm KvDownNorm { get; init; }

    /// <summary>For each head [KV rank, nope].</summary>
    public required IReadOnlyList<Linear> QueryAbsorb { get; init; }

    /// <summary>For each head [value head dim, KV rank].</summary>
    public required IReadOnlyList<Linear> ValueUp { get; init; }

    public static LatentAttention Of(LatentAttentionSpec spec, LayerTensors tensors, Rope rope, PagedAttention paged, NumberType? type) =>
        new(spec, rope, paged)
        {
            QueryDown = tensors.QueryDown() is { } queryDown ? Linear.Of(queryDown, type) : null,
            QueryDownNorm = tensors.QueryDownNorm() is { } queryNorm ? new RmsNorm(queryNorm, spec.NormEpsilon) : null,
            QueryUp = Linear.Of(tensors.QueryUp(), type),
            KvDown = Linear.Of(tensors.KvDown(), type),
            KvDownNorm = new RmsNorm(tensors.KvDownNorm(), spec.NormEpsilon),
            QueryAbsorb = [.. Enumerable.Range(0, spec.HeadCount).Select(head => Linear.Of(tensors.QueryAbsorb(head), type))],
            ValueUp = [.. Enumerable.Range(0, spec.HeadCount).Select(head => Linear.Of(tensors.ValueUp(head), type))],
        };

    public float[] Forward(ReadOnlySpan<float> normed, int position, KvCache cache)
    {
        cache.Append(Key(normed, position), []);
        float[] latents = _paged.Forward(Queries(normed, position), cache); // [heads x KV rank]
        return [.. ValueUp.SelectMany((up, head) => up.Forward(latents.AsSpan(head * _spec.KvRank, _spec.KvRank)))];
    }

    // [hidden] -> [KV rank + rope]: the normed latent, then the rotated part
    private float[] Key(ReadOnlySpan<float> normed, int position)
    {
        float[] down = KvDown.Forward(normed);
        float[] key = [.. KvDownNorm.Forward(down.AsSpan(0, _spec.KvRank)), .. down.AsSpan(_spec.KvRank)];
        _rope.ForwardHead(key.AsSpan(_spec.KvRank), position);
        return key;
    }

    // [hidden] -> [heads x (KV rank + rope)]
    private float[] Queries(ReadOnlySpan<float> normed, int position)
    {
        float[] queries = QueryUp.Forward(QueryDown is null ? normed : QueryDownNorm!.Forward(QueryDown.Forward(normed)));
        float[] absorbed = new float[_spec.HeadCount * _spec.KeyDim];
        for (int head = 0; head < _spec.HeadCount; head++)
        {
            ReadOnlySpan<float> query = queries.AsSpan(head * _spec.QueryHeadDim, _spec.QueryHeadDim);
            Span<float> into = absorbed.AsSpan(head * _spec.KeyDim, _spec.KeyDim);
            QueryAbsorb[head].Forward(query[.._spec.NopeDim]).CopyTo(into);
            query[_spec.NopeDim..].CopyTo(into[_spec.KvRank..]);
            _rope.ForwardHead(into[_spec.KvRank..], position);
        }

        return absorbed;
    }
}
