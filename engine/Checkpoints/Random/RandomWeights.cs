using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints.Random;

/// <summary>
/// The numbers of a random-weight model: nearly normal, each a pure function of (seed, tensor name, index). Scales keep the residual stream of order one through
/// any depth, attention logits at a spread of about 2.5 and router logits at about 2, so that heads look somewhere and experts differ.
/// </summary>
internal sealed class RandomWeights
{
    /// <summary>Spread of FP8 codes as numbers: the sum of four uniforms never exceeds 3.5 of it, and the greatest code is 448.</summary>
    private const float Float8Spread = 64f;

    /// <summary>Root mean square of the sixteen 4-bit numbers.</summary>
    private const double MxFloat4Spread = 2.926;

    private readonly RandomSpreads _spreads;
    private readonly WeightFormat _format;
    private readonly ulong _seed;

    public RandomWeights(ModelSpec spec, ulong seed)
    {
        _spreads = new RandomSpreads(spec);
        _format = spec.Weights;
        _seed = seed;
    }

    /// <summary>Elements <paramref name="offset"/> .. of a tensor.</summary>
    public void Fill(TensorSpec tensor, long offset, Span<float> values)
    {
        ulong key = KeyOf(tensor.Name);
        (float mean, float spread) = _spreads.Of(tensor);
        switch (tensor.Storage)
        {
            case TensorStorage.MxFloat4Pairs:
                for (int i = 0; i < values.Length; i++)
                    values[i] = Bits(key, offset + i) & 0xFF;
                break;
            case TensorStorage.Exponents:
                int exponent = 127 + (int)Math.Round(Math.Log2(spread / MxFloat4Spread));
                for (int i = 0; i < values.Length; i++)
                    values[i] = exponent - (int)(Bits(key, offset + i) & 1);
                break;
            case TensorStorage.Scales:
                for (int i = 0; i < values.Length; i++)
                    values[i] = spread / Float8Spread * (0.75f + ((Bits(key, offset + i) & 0xFF) / 512f));
                break;
            case TensorStorage.Projection when _format.Quantized == NumberType.Float8E4M3:
                FillNormal(key, offset, 0, Float8Spread, values);
                break;
            default:
                FillNormal(key, offset, mean, spread, values);
                break;
        }
    }

    private static void FillNormal(ulong key, long offset, float mean, float spread, Span<float> values)
    {
        // The sum of four 16-bit uniforms has this spread; its bell is close enough to a normal one, at a tenth of the cost.
        const float uniformSpread = 37_837.227f; // sqrt(4 * (65536^2 - 1) / 12)
        float factor = spread / uniformSpread;
        for (int i = 0; i < values.Length; i++)
        {
            ulong bits = Bits(key, offset + i);
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

    private static ulong Bits(ulong key, long index) => Mix(key + ((ulong)index * 0x9E3779B97F4A7C15));

    /// <summary>The finaliser of splitmix64: every input bit changes half of the output bits.</summary>
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
