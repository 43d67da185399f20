using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>The keys and values of one sequence in one layer, as attention reads them: rounded to the cache's type. mk_kv_write.</summary>
internal sealed class KvCache(AttentionSpec spec, NumberType type)
{
    private readonly List<float[]> _keys = [];
    private readonly List<float[]> _values = [];

    public int Length => _keys.Count;

    /// <summary>[key dim] of a position.</summary>
    public ReadOnlySpan<float> Key(int position, int kvHead) => _keys[position].AsSpan(kvHead * spec.KeyDim, spec.KeyDim);

    /// <summary>[value dim] of a position: for latent attention the beginning of its key.</summary>
    public ReadOnlySpan<float> Value(int position, int kvHead) =>
        spec.IsLatent ? Key(position, kvHead)[..spec.ValueDim] : _values[position].AsSpan(kvHead * spec.ValueDim, spec.ValueDim);

    /// <summary>Stores the next position's rows: [KV heads x key dim], and [KV heads x value dim] or nothing for latent attention.</summary>
    public void Append(ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        _keys.Add(Round(keys));
        _values.Add(Round(values));
    }

    private float[] Round(ReadOnlySpan<float> row)
    {
        float[] rounded = row.ToArray();
        if (type == NumberType.BFloat16)
        {
            for (int i = 0; i < rounded.Length; i++)
                rounded[i] = BFloat16.Round(rounded[i]);
        }

        return rounded;
    }
}
