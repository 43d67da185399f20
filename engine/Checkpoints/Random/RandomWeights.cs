using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints.Random;

/// <summary>
/// The numbers of a random-weight model: nearly normal, each a pure function of (seed, tensor name, index). Scales keep the residual stream of order one through
/// any depth, attention logits at a spread of about 2.5 and router logits at about 2, so that heads look somewhere and experts differ.
/// </summary>
internal sealed class RandomWeights
{
    private const float AttentionLogitSpread = 2.5f;
    private const float RouterLogitSpread = 2f;
    private const float OutputLogitSpread = 3f;

    private readonly ulong _seed;
    private readonly Dictionary<string, float> _spreads = new(StringComparer.Ordinal);
    private readonly HashSet<string> _headNorms = new(StringComparer.Ordinal);

    public RandomWeights(ModelSpec spec, ulong seed)
    {
        _seed = seed;
        var names = new TensorNames(spec);
        float hidden = MathF.Sqrt(spec.HiddenSize);
        // A tied table must give output logits of a sane spread; what enters the first norm is rescaled there anyway.
        _spreads[names.Embedding] = spec.HasTiedEmbeddings ? OutputLogitSpread / hidden : 1f;
        if (!spec.HasTiedEmbeddings)
            _spreads[names.LmHead] = OutputLogitSpread / hidden;
        for (int layer = 0; layer < spec.LayerCount; layer++)
        {
            _spreads[names.Router(layer)] = RouterLogitSpread / hidden;
            if (spec.Attention is GroupedAttentionSpec { HeadNorm: not HeadNorm.None })
            {
                _headNorms.Add(names.QueryNorm(layer));
                _headNorms.Add(names.KeyNorm(layer));
            }
            else
            {
                _spreads[names.Query(layer)] = MathF.Sqrt(AttentionLogitSpread) / hidden;
                _spreads[names.Key(layer)] = MathF.Sqrt(AttentionLogitSpread) / hidden;
            }
        }
    }

    /// <summary>Elements <paramref name="offset"/> .. of a tensor.</summary>
    public void Fill(TensorSpec tensor, long offset, Span<float> values)
    {
        bool isNorm = tensor.Shape.Length == 1;
        float mean = !isNorm ? 0 : _headNorms.Contains(tensor.Name) ? MathF.Sqrt(AttentionLogitSpread) : 1f;
        float spread = isNorm ? 0.1f : _spreads.TryGetValue(tensor.Name, out float own) ? own : 1f / MathF.Sqrt(tensor.Shape[^1]);
        ulong key = KeyOf(tensor.Name);
        // The sum of four 16-bit uniforms has this spread; its bell is close enough to a normal one, at a tenth of the cost.
        const float uniformSpread = 37_837.227f; // sqrt(4 * (65536^2 - 1) / 12)
        float factor = spread / uniformSpread;
        for (int i = 0; i < values.Length; i++)
        {
            ulong bits = Mix(key + ((ulong)(offset + i) * 0x9E3779B97F4A7C15));
            int sum = (int)(bits & 0xFFFF) + (int)((bits >> 16) & 0xFFFF) + (int)((bits >> 32) & 0xFFFF) + (int)(bits >> 48);
            values[i] = mean + (factor * (sum - 131_070));
        }
    }

    private ulong KeyOf(string name)
    {
        ulong key = Mix(_seed + 0x9E3779B97F4A7C15);
        foreach (char character in name)
            key = Mix(key ^ character);
        return key;
    }

    /// <summary>The finaliser of splitmix64: every input bit changes half of the output bits.</summary>
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
