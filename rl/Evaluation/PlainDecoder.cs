using System.Runtime.Intrinsics;
using MegaInfer.Rl.Pretraining;
using MegaInfer.Rl.Pretraining.Functions;
using MegaInfer.Rl.Tasks;

namespace MegaInfer.Rl.Evaluation;

/// <summary>
/// Generates with the trainer's weights, one sequence at a time, so that a run can watch its own score without a server. Weights are
/// rounded to bfloat16 first, as they ship. Counts how often each expert is chosen. One thread per instance; <see cref="Fork"/> shares
/// the weights.
/// </summary>
internal sealed class PlainDecoder
{
    private const int Head = ModelShape.HeadSize;

    private readonly ParameterLayout _layout;
    private readonly ModelShape _shape;
    private readonly float[] _weights;
    private readonly List<float[]>[] _keys;
    private readonly List<float[]>[] _values;

    /// <summary>A decoder of the given parameters.</summary>
    public PlainDecoder(ParameterLayout layout, float[] parameters)
        : this(layout, [.. parameters.Select(Bfloat16.Round)], isRounded: true)
    {
    }

    private PlainDecoder(ParameterLayout layout, float[] weights, bool isRounded)
    {
        System.Diagnostics.Debug.Assert(isRounded);
        _layout = layout;
        _shape = layout.Shape;
        _weights = weights;
        _keys = [.. Enumerable.Range(0, _shape.LayerCount).Select(_ => new List<float[]>())];
        _values = [.. Enumerable.Range(0, _shape.LayerCount).Select(_ => new List<float[]>())];
        ExpertCounts = [.. Enumerable.Range(0, _shape.LayerCount).Select(_ => new long[_shape.ExpertCount])];
    }

    /// <summary>How often each expert of each layer was chosen: [layer][expert].</summary>
    public long[][] ExpertCounts { get; }

    /// <summary>A decoder with the same weights and its own state.</summary>
    public PlainDecoder Fork() => new(_layout, _weights, isRounded: true);

    /// <summary>Continues a prompt until an end token or <paramref name="mostTokens"/>; temperature 0 is greedy. The end token is not returned.</summary>
    public List<int> Generate(int[] prompt, int mostTokens, double temperature, Func<int, bool> isEnd, SeededRandom random)
    {
        float[] hidden = Start(prompt);
        List<int> result = [];
        while (result.Count < mostTokens)
        {
            int id = Choose(LogitsOf(hidden), temperature, random);
            if (isEnd(id))
                break;
            result.Add(id);
            hidden = Forward(id);
        }
        return result;
    }

    /// <summary>The logits after the last token of a prompt.</summary>
    public float[] Logits(int[] prompt) => LogitsOf(Start(prompt));

    // Forgets the last sequence and reads a prompt; returns its last row.
    private float[] Start(int[] prompt)
    {
        for (int layer = 0; layer < _shape.LayerCount; layer++)
        {
            _keys[layer].Clear();
            _values[layer].Clear();
        }
        float[] hidden = [];
        foreach (int id in prompt)
            hidden = Forward(id);
        return hidden;
    }

    private float[] LogitsOf(float[] hidden) => Multiply("embedding", 0, Norm(hidden, "final_norm"), _shape.VocabularySize);

    private static int Choose(float[] logits, double temperature, SeededRandom random)
    {
        int best = Array.IndexOf(logits, logits.Max());
        if (temperature == 0)
            return best;
        double[] weights = [.. logits.Select(logit => Math.Exp((logit - logits[best]) / temperature))];
        double draw = random.NextUnit() * weights.Sum();
        for (int i = 0; i < weights.Length; i++)
        {
            draw -= weights[i];
            if (draw < 0)
                return i;
        }
        return best;
    }

    private float[] Forward(int id)
    {
        float[] hidden = Slot("embedding").Slice(id * _shape.HiddenSize, _shape.HiddenSize).ToArray();
        for (int layer = 0; layer < _shape.LayerCount; layer++)
        {
            VectorMath.AddScaled(hidden, 1, Attend(layer, Norm(hidden, $"layers.{layer}.input_norm")));
            AddExperts(layer, hidden, Norm(hidden, $"layers.{layer}.expert_norm"));
        }
        return hidden;
    }

    private float[] Attend(int layer, float[] row)
    {
        float[] joined = Multiply($"layers.{layer}.joined", 0, row, _shape.JoinedSize);
        int position = _keys[layer].Count;
        for (int head = 0; head < _shape.QueryHeads + _shape.KeyValueHeads; head++)
            HeadRotation.Rotate(joined.AsSpan(head * Head, Head), Slot($"layers.{layer}.{(head < _shape.QueryHeads ? "query" : "key")}_norm"), position);
        int keyStart = _shape.QueryHeads * Head;
        int keyWidth = _shape.KeyValueHeads * Head;
        _keys[layer].Add(joined[keyStart..(keyStart + keyWidth)]);
        _values[layer].Add(joined[(keyStart + keyWidth)..]);
        float[] result = new float[keyStart];
        float[] scores = new float[position + 1];
        for (int head = 0; head < _shape.QueryHeads; head++)
        {
            int at = head / (_shape.QueryHeads / _shape.KeyValueHeads) * Head;
            for (int j = 0; j <= position; j++)
                scores[j] = VectorMath.Dot(joined.AsSpan(head * Head, Head), _keys[layer][j].AsSpan(at, Head)) / MathF.Sqrt(Head);
            Softmax(scores);
            for (int j = 0; j <= position; j++)
                VectorMath.AddScaled(result.AsSpan(head * Head, Head), scores[j], _values[layer][j].AsSpan(at, Head));
        }
        return Multiply($"layers.{layer}.output", 0, result, _shape.HiddenSize);
    }

    private void AddExperts(int layer, float[] hidden, float[] row)
    {
        float[] probabilities = Multiply($"layers.{layer}.router", 0, row, _shape.ExpertCount);
        Softmax(probabilities);
        int[] chosen = [.. Enumerable.Range(0, _shape.ExpertCount).OrderByDescending(e => probabilities[e]).Take(ModelShape.ExpertsPerToken)];
        float sum = chosen.Sum(e => probabilities[e]);
        int size = _shape.ExpertSize;
        foreach (int expert in chosen)
        {
            ExpertCounts[layer][expert]++;
            float[] gateUp = Multiply($"layers.{layer}.gate_up", expert * 2 * size, row, 2 * size);
            for (int i = 0; i < size; i++)
                gateUp[i] = gateUp[i] / (1 + MathF.Exp(-gateUp[i])) * gateUp[size + i];
            float[] result = Multiply($"layers.{layer}.down", expert * _shape.HiddenSize, gateUp[..size], _shape.HiddenSize);
            VectorMath.AddScaled(hidden, probabilities[expert] / sum, result);
        }
    }

    private static void Softmax(Span<float> values)
    {
        float highest = float.NegativeInfinity;
        foreach (float value in values)
            highest = Math.Max(highest, value);
        float sum = 0;
        for (int i = 0; i < values.Length; i++)
            sum += values[i] = MathF.Exp(values[i] - highest);
        for (int i = 0; i < values.Length; i++)
            values[i] /= sum;
    }

    private float[] Norm(float[] row, string weight)
    {
        float[] result = new float[row.Length];
        VectorMath.Scale(result, 1 / MathF.Sqrt((VectorMath.Dot(row, row) / row.Length) + ModelShape.NormEpsilon), row);
        Span<Vector512<float>> w = Slot(weight).Vectors();
        Span<Vector512<float>> y = result.AsSpan().Vectors();
        for (int i = 0; i < y.Length; i++)
            y[i] *= w[i];
        return result;
    }

    // Rows firstRow .. firstRow + count of a parameter seen as [rows, row.Length], times the row.
    private float[] Multiply(string name, int firstRow, float[] row, int count)
    {
        Span<float> matrix = Slot(name).Slice(firstRow * row.Length, count * row.Length);
        float[] result = new float[count];
        for (int i = 0; i < count; i++)
            result[i] = VectorMath.Dot(matrix.Slice(i * row.Length, row.Length), row);
        return result;
    }

    private Span<float> Slot(string name)
    {
        ParameterSlot slot = _layout[name];
        return _weights.AsSpan(slot.Offset, slot.Count);
    }
}
