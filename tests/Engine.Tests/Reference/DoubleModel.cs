using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Tests.Reference;

/// <summary>The families' definition in doubles, whole sequences at a time, without tiles, lanes or caches: an independent second opinion.</summary>
internal sealed class DoubleModel(Checkpoint checkpoint)
{
    private readonly ModelSpec _spec = checkpoint.Spec;
    private readonly TensorNames _names = checkpoint.Names;
    private readonly Dictionary<string, double[]> _loaded = [];

    /// <summary>[tokens][vocabulary]</summary>
    public double[][] Logits(int[] tokens)
    {
        double[] table = Load(_names.Embedding);
        double[][] rows = [.. tokens.Select(token => table[(token * _spec.HiddenSize)..((token + 1) * _spec.HiddenSize)])];
        for (int layer = 0; layer < _spec.LayerCount; layer++)
        {
            double[][] attended = Attend(layer, [.. rows.Select(row => Norm(row, _names.AttentionNorm(layer)))]);
            rows = [.. rows.Zip(attended, Add)];
            rows = [.. rows.Select(row => Add(row, VisitExperts(layer, Norm(row, _names.FfnNorm(layer)))))];
        }

        return [.. rows.Select(row => Times(Norm(row, _names.FinalNorm), _names.LmHead))];
    }

    private double[][] Attend(int layer, double[][] rows)
    {
        var attention = (GroupedAttentionSpec)_spec.Attention;
        bool hasHeadNorm = attention.HeadNorm != HeadNorm.None;
        double[][] queries = [.. rows.Select((row, position) => Heads(Times(row, _names.Query(layer)), hasHeadNorm ? _names.QueryNorm(layer) : null, position))];
        double[][] keys = [.. rows.Select((row, position) => Heads(Times(row, _names.Key(layer)), hasHeadNorm ? _names.KeyNorm(layer) : null, position))];
        double[][] values = [.. rows.Select(row => Times(row, _names.Value(layer)))];
        return [.. rows.Select((_, position) =>
        {
            double[] result = new double[attention.QueryWidth];
            for (int head = 0; head < attention.HeadCount; head++)
            {
                int kv = head / (attention.HeadCount / attention.KvHeadCount) * attention.HeadDim;
                int from = head * attention.HeadDim;
                double[] shares = Softmax([.. Enumerable.Range(0, position + 1).Select(other =>
                    Enumerable.Range(0, attention.HeadDim).Sum(d => queries[position][from + d] * keys[other][kv + d]) / Math.Sqrt(attention.HeadDim))]);
                for (int d = 0; d < attention.HeadDim; d++)
                    result[from + d] = shares.Select((share, other) => share * values[other][kv + d]).Sum();
            }

            return Times(result, _names.Output(layer));
        })];
    }

    private double[] Heads(double[] row, string? norm, int position)
    {
        RopeSpec rope = _spec.Rope;
        return [.. row.Chunk(_spec.Attention.KeyDim).SelectMany(chunk =>
        {
            double[] head = norm is null ? chunk : Norm(chunk, norm);
            double[] turned = [.. head];
            for (int i = 0; i < rope.RotaryDim / 2; i++)
            {
                double angle = position * Math.Pow(rope.Theta, -2.0 * i / rope.RotaryDim);
                int j = i + (rope.RotaryDim / 2);
                turned[i] = (head[i] * Math.Cos(angle)) - (head[j] * Math.Sin(angle));
                turned[j] = (head[j] * Math.Cos(angle)) + (head[i] * Math.Sin(angle));
            }

            return turned;
        })];
    }

    private double[] VisitExperts(int layer, double[] row)
    {
        double[] scores = Softmax(Times(row, _names.Router(layer)));
        int[] chosen = [.. Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).Take(_spec.Router.ExpertsPerToken)];
        double total = _spec.Router.IsNormalized ? chosen.Sum(i => scores[i]) : 1;
        double[] result = new double[row.Length];
        foreach (int i in chosen)
        {
            var expert = new ExpertId(i);
            double[] middle = [.. Times(row, _names.ExpertGate(layer, expert)).Zip(Times(row, _names.ExpertUp(layer, expert)), (gate, up) => gate / (1 + Math.Exp(-gate)) * up)];
            double[] down = Times(middle, _names.ExpertDown(layer, expert));
            result = Add(result, [.. down.Select(value => value * scores[i] / total)]);
        }

        return result;
    }

    private double[] Norm(double[] row, string weight)
    {
        double factor = 1 / Math.Sqrt(row.Average(value => value * value) + _spec.NormEpsilon);
        return [.. row.Zip(Load(weight), (value, scale) => value * factor * scale)];
    }

    private double[] Times(double[] row, string matrix) => [.. Load(matrix).Chunk(row.Length).Select(weights => weights.Zip(row, (a, b) => a * b).Sum())];

    private double[] Load(string name)
    {
        if (!_loaded.TryGetValue(name, out double[]? values))
            _loaded[name] = values = [.. checkpoint.Tensor(name).ToFloat32().Select(value => (double)value)];
        return values;
    }

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double[] Softmax(double[] logits)
    {
        double maximum = logits.Max();
        double[] powers = [.. logits.Select(logit => Math.Exp(logit - maximum))];
        double sum = powers.Sum();
        return [.. powers.Select(power => power / sum)];
    }
}
