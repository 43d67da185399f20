using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>Queries, keys and values of each position; several query heads share a KV head.</summary>
internal sealed class GroupedAttention : IAttention
{
    private readonly GroupedAttentionSpec _spec;
    private readonly Rope _rope;
    private readonly PagedAttention _paged;

    public GroupedAttention(GroupedAttentionSpec spec, Rope rope, PagedAttention paged)
    {
        _spec = spec;
        _rope = rope;
        _paged = paged;
    }

    /// <summary>[query width + 2 x KV width, hidden], with the bias where there is one.</summary>
    public required Linear Qkv { get; init; }

    /// <summary>Its weight is as wide as a head or as the whole row.</summary>
    public RmsNorm? QueryNorm { get; init; }

    public RmsNorm? KeyNorm { get; init; }

    public static GroupedAttention Of(
        GroupedAttentionSpec spec, LayerTensors tensors, float epsilon, Rope rope, PagedAttention paged, NumberType? type) =>
        new(spec, rope, paged)
        {
            Qkv = Linear.Stacked(tensors.Qkv(), type, tensors.QkvBias()),
            QueryNorm = tensors.QueryNorm() is { } queryNorm ? new RmsNorm(queryNorm, epsilon) : null,
            KeyNorm = tensors.KeyNorm() is { } keyNorm ? new RmsNorm(keyNorm, epsilon) : null,
        };

    public float[] Forward(ReadOnlySpan<float> normed, int position, KvCache cache)
    {
        float[] qkv = Qkv.Forward(normed);
        float[] queries = qkv[.._spec.QueryWidth];
        float[] keys = qkv[_spec.QueryWidth..(_spec.QueryWidth + _spec.KvWidth)];
        float[] values = qkv[(_spec.QueryWidth + _spec.KvWidth)..];
        queries = QueryNorm?.Forward(queries) ?? queries;
        keys = KeyNorm?.Forward(keys) ?? keys;
        if (_spec.ClipQkv > 0)
        {
            Clamp.Forward(queries, _spec.ClipQkv);
            Clamp.Forward(keys, _spec.ClipQkv);
            Clamp.Forward(values, _spec.ClipQkv);
        }

        _rope.Forward(queries, _spec.HeadDim, position);
        _rope.Forward(keys, _spec.HeadDim, position);
        cache.Append(keys, values);
        return _paged.Forward(queries, cache);
    }
}
