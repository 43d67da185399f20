using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Reference;

/// <summary>The blocks' formulas in doubles, without lanes, tiles or chains: the second opinion on each block of the reference.</summary>
internal static class Doubles
{
    /// <summary>Normally distributed numbers that a seed determines.</summary>
    public static float[] Random(int seed, int count, double deviation = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
            (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }

    public static double[] Of(IEnumerable<float> row) => [.. row.Select(value => (double)value)];

    /// <summary>[out, in] x [in], plus a bias.</summary>
    public static double[] Times(double[] row, IEnumerable<float> matrix, float[]? bias = null) =>
        [.. matrix.Chunk(row.Length).Select((weights, output) => Dot(row, Of(weights)) + (bias?[output] ?? 0))];

    public static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    public static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    public static double[] Scale(double[] row, double factor) => [.. row.Select(value => value * factor)];

    /// <summary>As many norms in a row as the weight fits in.</summary>
    public static double[] RmsNorm(double[] row, float[] weight, double epsilon) => [.. row.Chunk(weight.Length).SelectMany(group =>
        group.Zip(weight, (value, scale) => value / Math.Sqrt(group.Average(other => other * other) + epsilon) * scale))];

    public static double[] LayerNorm(double[] row, float[] weight, double epsilon)
    {
        double mean = row.Average();
        double variance = row.Average(value => (value - mean) * (value - mean));
        return [.. row.Zip(weight, (value, scale) => (value - mean) / Math.Sqrt(variance + epsilon) * scale)];
    }

    /// <summary>The first rotary components of one head turned as complex numbers; unscaled frequencies.</summary>
    public static double[] Rotate(double[] head, RopeSpec rope, int position)
    {
        double[] turned = [.. head];
        for (int i = 0; i < rope.RotaryDim / 2; i++)
        {
            double angle = position * Math.Pow(rope.Theta, -2.0 * i / rope.RotaryDim);
            int a = rope.IsAdjacent ? 2 * i : i;
            int b = rope.IsAdjacent ? a + 1 : i + (rope.RotaryDim / 2);
            turned[a] = (head[a] * Math.Cos(angle)) - (head[b] * Math.Sin(angle));
            turned[b] = (head[b] * Math.Cos(angle)) + (head[a] * Math.Sin(angle));
        }

        return turned;
    }

    /// <summary>One head's attention: the values' mean weighted by a softmax over the positions that the window holds and the sink.</summary>
    public static double[] Attend(double[] query, double[][] keys, double[][] values, double scale, int window, double? sink)
    {
        int first = window == 0 ? 0 : Math.Max(0, keys.Length - window);
        double[] scores = [.. keys[first..].Select(key => Dot(query, key) * scale), .. sink is { } score ? new[] { score } : []];
        double[] shares = Softmax(scores);
        return values[first..].Select((value, i) => Scale(value, shares[i])).Aggregate(Add);
    }

    public static double[] Softmax(double[] logits)
    {
        double maximum = logits.Max();
        double[] powers = [.. logits.Select(logit => Math.Exp(logit - maximum))];
        return Scale(powers, 1 / powers.Sum());
    }

    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    public static double Swiglu(double gate, double up) => gate * Sigmoid(gate) * up;

    /// <summary>The largest difference is within a share of the expected numbers' root mean square.</summary>
    public static void AssertClose(double[] expected, IReadOnlyList<float> actual, double tolerance = 1e-5)
    {
        Assert.Equal(expected.Length, actual.Count);
        double spread = Math.Sqrt(expected.Average(value => value * value));
        double worst = expected.Zip(actual, (right, value) => Math.Abs(right - value)).Max();
        Assert.True(worst <= tolerance * spread, $"{worst} away at a spread of {spread}");
    }
}
