namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>
/// The tensors of a tiny model while it is made. A projection has a gain: rows of mean square 1 leave it with a mean square of gain squared, whatever
/// its size. Each tensor's values depend on the seed and its name alone.
/// </summary>
/// <remarks>
/// Rows of the residual stream have a mean square of about fifty times the norms' epsilon, so that a wrong epsilon shows. Embeddings make up most
/// of it, so that a KV cache in bf16, whose rounding every layer would otherwise pass on enlarged, changes little.
/// </remarks>
internal sealed class TinyWeights(int seed, string type, double normEpsilon)
{
    private readonly double _stream = Math.Sqrt(50 * normEpsilon);

    private readonly List<TinyTensor> _tensors = [];

    public IReadOnlyList<TinyTensor> Tensors => _tensors;

    /// <summary>Whether projections that may be quantised are stored in FP8, with a scale of this type per block; null for no.</summary>
    public string? ScaleType { get; init; }

    /// <summary>Gain of attention's last projection.</summary>
    public double AttentionGain => 0.15 * _stream;

    /// <summary>Gain of the last projection of experts and dense layers.</summary>
    public double FeedForwardGain => 0.4 * _stream;

    /// <summary>The embedding; a head that is tied to it gets logits of the usual size from the final norm.</summary>
    public void Embedding(string name, int vocabularySize, int hiddenSize) => Vector(name, [vocabularySize, hiddenSize], 0, _stream);

    /// <summary>The norm before the LM head.</summary>
    public void FinalNorm(string name, int size, bool isTied = false) => Norm(name, size, isTied ? 1 / (_stream * Math.Sqrt(size)) : 1);

    /// <summary>[rows, columns] in the model's own type.</summary>
    public void Projection(string name, int rows, int columns, double gain) =>
        Add(name, type, [rows, columns], Gaussian(name, rows * columns, 0, gain / Math.Sqrt(columns)));

    /// <summary>The same, in FP8 where the model is.</summary>
    public void Quantised(string name, int rows, int columns, double gain)
    {
        if (ScaleType is null)
            Projection(name, rows, columns, gain);
        else
            Blocks(name, rows, columns, gain, ScaleType);
    }

    /// <summary>[parts, rows, columns], where the columns (or else the rows) are what comes in.</summary>
    public void Stack(string name, int parts, int rows, int columns, double gain, bool columnsComeIn = true) =>
        Add(name, type, [parts, rows, columns], Gaussian(name, parts * rows * columns, 0, gain / Math.Sqrt(columnsComeIn ? columns : rows)));

    /// <summary>The weight of a norm: around 1, each different.</summary>
    public void Norm(string name, int size, double mean = 1) => Vector(name, [size], mean, 0.25 * mean);

    /// <summary>Any values of a mean and a deviation.</summary>
    public void Vector(string name, int[] shape, double mean, double deviation, string? otherType = null) =>
        Add(name, otherType ?? type, shape, Gaussian(name, shape.Aggregate(1, (product, size) => product * size), mean, deviation));

    /// <summary>A tensor with values of its own.</summary>
    public void Add(string name, string storedType, int[] shape, float[] values) =>
        _tensors.Add(new TinyTensor(name, storedType, shape, TinyNumbers.Bytes(storedType, values)));

    /// <summary>[parts, rows, columns] in MXFP4: name_blocks [parts, rows, columns / 32, 16] and name_scales [parts, rows, columns / 32].</summary>
    public void Packed(string name, int parts, int rows, int columns, double gain)
    {
        const int BlockSize = 32;
        float[] values = Gaussian(name, parts * rows * columns, 0, gain / Math.Sqrt(columns));
        byte[] scales = new byte[values.Length / BlockSize];
        byte[] blocks = new byte[values.Length / 2];
        for (int block = 0; block < scales.Length; block++)
        {
            float[] part = values[(block * BlockSize)..((block + 1) * BlockSize)];
            // 6 is the largest magnitude of a block.
            int exponent = (int)Math.Ceiling(Math.Log2(part.Max(Math.Abs) / 6));
            scales[block] = (byte)(exponent + 127);
            for (int i = 0; i < BlockSize; i++)
                blocks[((block * BlockSize) + i) / 2] |= (byte)(TinyNumbers.Four((float)(part[i] / Math.Pow(2, exponent))) << (i % 2 * 4));
        }
        _tensors.Add(new TinyTensor(name + "_blocks", "U8", [parts, rows, columns / BlockSize, BlockSize / 2], blocks));
        _tensors.Add(new TinyTensor(name + "_scales", "U8", [parts, rows, columns / BlockSize], scales));
    }

    private void Blocks(string name, int rows, int columns, double gain, string scaleType)
    {
        const int BlockSize = 128;
        (int down, int across) = ((rows + BlockSize - 1) / BlockSize, (columns + BlockSize - 1) / BlockSize);
        float[] values = Gaussian(name, rows * columns, 0, gain / Math.Sqrt(columns));
        // Blocks of different magnitude, so that a scale in the wrong place shows.
        float[] magnitudes = [.. Gaussian(name + ".magnitudes", down * across, 0, 0.5).Select(MathF.Exp)];
        float[] largest = new float[down * across];
        for (int i = 0; i < values.Length; i++)
            values[i] *= magnitudes[BlockOf(i)];
        double size = Math.Sqrt(values.Average(value => value * value) * columns) / gain;
        for (int i = 0; i < values.Length; i++)
        {
            int block = BlockOf(i);
            values[i] = (float)(values[i] / size);
            largest[block] = Math.Max(largest[block], Math.Abs(values[i]));
        }
        float[] scales = [.. largest.Select(value => value / TinyNumbers.LargestEight)];
        byte[] eights = new byte[values.Length];
        for (int i = 0; i < values.Length; i++)
            eights[i] = TinyNumbers.Eight(values[i] / scales[BlockOf(i)]);
        _tensors.Add(new TinyTensor(name, "F8_E4M3", [rows, columns], eights));
        Add(name + "_scale_inv", scaleType, [down, across], scales);

        int BlockOf(int index) => (index / columns / BlockSize * across) + (index % columns / BlockSize);
    }

    private float[] Gaussian(string name, int count, double mean, double deviation)
    {
        // A hash of the name that is the same in every process.
        uint hash = name.Aggregate(2166136261u ^ (uint)seed, (value, letter) => (value ^ letter) * 16777619u);
        var random = new Random((int)(hash & int.MaxValue));
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            return (float)(mean + (deviation * radius * Math.Cos(2 * Math.PI * random.NextDouble())));
        })];
    }
}
