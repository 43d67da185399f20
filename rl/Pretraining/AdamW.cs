using System.Runtime.Intrinsics;
using MegaInfer.Rl.Pretraining.Functions;

namespace MegaInfer.Rl.Pretraining;

/// <summary>
/// AdamW with global norm clipping over the flat parameters of all replicas. Each thread owns one contiguous range: it sums the replicas'
/// gradients there, updates, writes the new values to every replica and clears the gradients. Sums have a fixed order.
/// </summary>
internal sealed class AdamW
{
    private const float Beta1 = 0.9f;
    private const float Beta2 = 0.98f;
    private const float Epsilon = 1e-8f;
    private const float WeightDecay = 0.05f;
    private const float LargestNorm = 1;

    private readonly ParameterLayout _layout;
    private readonly Replica[] _replicas;
    private readonly WorkerGroup _workers;
    private readonly double[] _squares;

    /// <summary>An optimiser whose moments are zero.</summary>
    public AdamW(ParameterLayout layout, Replica[] replicas, WorkerGroup workers)
    {
        _layout = layout;
        _replicas = replicas;
        _workers = workers;
        _squares = new double[workers.Count];
        FirstMoment = new float[layout.Count];
        SecondMoment = new float[layout.Count];
    }

    /// <summary>Running mean of the gradients.</summary>
    public float[] FirstMoment { get; }

    /// <summary>Running mean of the squared gradients.</summary>
    public float[] SecondMoment { get; }

    /// <summary>Applies the gradients of step <paramref name="step"/> (from 0) and clears them.</summary>
    public void Step(int step, double learningRate)
    {
        _workers.Run(SumGradients);
        float norm = (float)Math.Sqrt(_squares.Sum());
        float clip = norm > LargestNorm ? LargestNorm / norm : 1;
        _workers.Run(part => Update(part, step, (float)learningRate, clip));
    }

    private (int Start, int Length) RangeOf(int part)
    {
        int blocks = _layout.Count / 16;
        int start = blocks * part / _workers.Count * 16;
        int end = blocks * (part + 1) / _workers.Count * 16;
        return (start, end - start);
    }

    private void SumGradients(int part)
    {
        (int start, int length) = RangeOf(part);
        Span<float> total = _replicas[0].Gradients.Floats().Slice(start, length);
        for (int r = 1; r < _replicas.Length; r++)
            VectorMath.AddScaled(total, 1, _replicas[r].Gradients.Floats().Slice(start, length));
        double square = 0;
        for (int i = 0; i < length; i += 4096)
        {
            Span<float> chunk = total.Slice(i, Math.Min(4096, length - i));
            square += VectorMath.Dot(chunk, chunk);
        }
        _squares[part] = square;
    }

    private void Update(int part, int step, float learningRate, float clip)
    {
        (int start, int length) = RangeOf(part);
        Span<float> values = _replicas[0].Parameters.Floats().Slice(start, length);
        Span<Vector512<float>> p = values.Vectors();
        Span<Vector512<float>> g = _replicas[0].Gradients.Floats().Slice(start, length).Vectors();
        Span<Vector512<float>> m = FirstMoment.AsSpan(start, length).Vectors();
        Span<Vector512<float>> v = SecondMoment.AsSpan(start, length).Vectors();
        float rate = learningRate / (1 - MathF.Pow(Beta1, step + 1));
        float correction = 1 / (1 - MathF.Pow(Beta2, step + 1));
        int decayed = (_layout.DecayedCount - start) / 16; // all sizes are multiples of 16
        for (int i = 0; i < p.Length; i++)
        {
            Vector512<float> gradient = g[i] * clip;
            m[i] = (m[i] * Beta1) + (gradient * (1 - Beta1));
            v[i] = (v[i] * Beta2) + (gradient * gradient * (1 - Beta2));
            Vector512<float> update = m[i] * rate / (Vector512.Sqrt(v[i] * correction) + Vector512.Create(Epsilon));
            p[i] = (i < decayed ? p[i] * (1 - (learningRate * WeightDecay)) : p[i]) - update;
        }
        for (int r = 0; r < _replicas.Length; r++)
        {
            _replicas[r].Gradients.Floats().Slice(start, length).Clear();
            if (r > 0)
                values.CopyTo(_replicas[r].Parameters.Floats()[start..]);
        }
    }
}
