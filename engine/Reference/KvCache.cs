using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Reference;

/// <summary>The keys and values of one sequence in one layer, as attention reads them: rounded to the cache's type. mk_kv_write.</summary>
internal sealed class KvCache(NumberType type)
{
    private readonly List<float[]> _keys = [];
    private readonly List<float[]> _values = [];

    public int Length => _keys.Count;

    /// <summary>[kv heads x head dim] of a position.</summary>
    public ReadOnlySpan<float> Key(int position) => _keys[position];

    /// <summary>[kv heads x head dim] of a position.</summary>
    public ReadOnlySpan<float> Value(int position) => _values[position];

    /// <summary>Stores the next position's rows.</summary>
    public void Append(ReadOnlySpan<float> key, ReadOnlySpan<float> value)
    {
        _keys.Add(Round(key));
        _values.Add(Round(value));
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
