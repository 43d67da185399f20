using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;
using MegaInfer.Kernels.Operations;

namespace MegaInfer.Bench.Kernels;

/// <summary>The operations of a layer and of the model's end at a model's shape, on random numbers. Owns what they work on.</summary>
internal sealed class KernelCases : IDisposable
{
    // More than a cache holds, so that weights come from memory as they do in a step.
    private const long ColdBytes = 256L << 20;
    private const int CachedPositions = 1024;

    private readonly KernelContext _context;
    private readonly RandomModelOptions _shape;
    private readonly Random _random = new(7);
    private readonly List<IDisposable> _owned = [];
    private readonly int _maxRows;
    private readonly DeviceBuffer _in;
    private readonly DeviceBuffer _out;

    public KernelCases(KernelContext context, RandomModelOptions shape, int maxRows)
    {
        _context = context;
        _shape = shape;
        _maxRows = maxRows;
        _in = Floats((long)maxRows * shape.ExpertsPerToken * Math.Max(shape.HiddenSize, QueryWidth));
        _out = Own(context.Allocate((long)maxRows * Math.Max(shape.VocabularySize, shape.ExpertsPerToken * shape.HiddenSize) * sizeof(float)));
    }

    private int QueryWidth => _shape.HeadCount * _shape.HeadDim;

    private int QkvWidth => QueryWidth + (2 * _shape.KvHeadCount * _shape.HeadDim);

    public IEnumerable<KernelCase> Products(WeightType type, IReadOnlyList<int> rows) =>
        new[] { ("qkv", _shape.HiddenSize, QkvWidth), ("output", QueryWidth, _shape.HiddenSize), ("lm head", _shape.HiddenSize, _shape.VocabularySize) }
            .SelectMany(product => Product(product.Item1, product.Item2, product.Item3, type, rows));

    /// <summary>Rows visit experts at random; those of a call that have rows are what must be read.</summary>
    public IEnumerable<KernelCase> Experts(WeightType type, IReadOnlyList<int> rowCounts)
    {
        PackedExperts packed = PackExperts(type);
        var layers = new List<PackedExperts> { packed };
        while (packed.Bytes * layers.Count < ColdBytes)
            layers.Add(PackExperts(type));
        foreach (int rows in rowCounts)
        {
            Routing[] routings = [.. Enumerable.Range(0, 2 * layers.Count).Select(_ => Route(rows))];
            double touched = routings.Average(routing => routing.Touched);
            double weights = touched * packed.Bytes / _shape.ExpertCount;
            double bytes = weights + (8.0 * rows * _shape.ExpertsPerToken * _shape.HiddenSize);
            double flops = Flops(type, 6.0 * rows * _shape.ExpertsPerToken * _shape.HiddenSize * _shape.ExpertWidth);
            yield return new KernelCase("grouped_ffn", Name(type), rows, bytes, flops, i => _context.GroupedFfn(layers[i % layers.Count], routings[i % routings.Length].Args))
            {
                IsBFloat16Product = type == WeightType.BF16,
            };
        }
    }

    /// <summary>Each row its own sequence of <see cref="CachedPositions"/> positions.</summary>
    public IEnumerable<KernelCase> Attention(IReadOnlyList<int> rowCounts)
    {
        int blocks = CachedPositions / KvBlock.Tokens;
        long cacheBytes = KvBlock.Bytes(_shape.KvHeadCount, _shape.HeadDim, isLatent: false, WeightType.BF16) * blocks;
        DeviceBuffer cache = Own(_context.Allocate(cacheBytes * _maxRows)); // zeros, but written: pages of their own
        cache.HostSpan<byte>().Fill(0x3c);
        DeviceBuffer tables = Integers(_maxRows * blocks, i => i), sequences = Integers(_maxRows, i => i), positions = Integers(_maxRows, _ => CachedPositions - 1);
        foreach (int rows in rowCounts)
        {
            var args = new PagedAttentionArgs
            {
                Queries = _in.Address,
                Out = _out.Address,
                Cache = cache.Address,
                BlockTables = tables.Address,
                SequenceOfRow = sequences.Address,
                Positions = positions.Address,
                Rows = rows,
                QueryStride = QueryWidth,
                OutStride = QueryWidth,
                Heads = _shape.HeadCount,
                KvHeads = _shape.KvHeadCount,
                HeadDim = _shape.HeadDim,
                ValueDim = _shape.HeadDim,
                KvType = WeightType.BF16,
                BlockCount = blocks * _maxRows,
                Sequences = _maxRows,
                BlockTableStride = blocks,
                Scale = 0.125f,
            };
            yield return new KernelCase(
                $"paged_attention, {CachedPositions} each", "bf16", rows, (double)cacheBytes * rows, 4.0 * rows * CachedPositions * QueryWidth, _ => _context.PagedAttention(args));
        }
    }

    public void Dispose()
    {
        foreach (IDisposable owned in _owned)
            owned.Dispose();
    }

    private IEnumerable<KernelCase> Product(string name, int columns, int features, WeightType type, IReadOnlyList<int> rowCounts)
    {
        float[] values = Values((long)features * columns);
        var weights = new List<PackedWeight>();
        do
            weights.Add(Own(_context.PackWeight(values, columns, type)));
        while (weights[0].Bytes * weights.Count < ColdBytes);
        foreach (int rows in rowCounts)
        {
            var args = new GemmArgs { In = _in.Address, Out = _out.Address, Rows = rows, InStride = columns, OutStride = features };
            double bytes = weights[0].Bytes + (4.0 * rows * (columns + features));
            yield return new KernelCase(
                $"gemm, {name}", Name(type), rows, bytes, Flops(type, 2.0 * rows * columns * features), i => _context.Gemm(weights[i % weights.Count], args))
            {
                IsBFloat16Product = type == WeightType.BF16,
            };
        }
    }

    private PackedExperts PackExperts(WeightType type)
    {
        using DeviceBuffer values = _context.Allocate((long)_shape.HiddenSize * _shape.ExpertWidth * sizeof(float));
        Values((long)_shape.HiddenSize * _shape.ExpertWidth).CopyTo(values.HostSpan<float>());
        MatrixSource inner = new(values.Address, WeightType.F32, _shape.ExpertWidth), outer = new(values.Address, WeightType.F32, _shape.HiddenSize);
        ExpertSource[] sources = [.. Enumerable.Repeat(new ExpertSource(inner, inner, outer), _shape.ExpertCount)];
        return Own(_context.PackExperts(sources, new ExpertsShape { Hidden = _shape.HiddenSize, Width = _shape.ExpertWidth, Type = type, Activation = Activation.Swiglu }));
    }

    private Routing Route(int rows)
    {
        var rowsOf = new List<int>[_shape.ExpertCount];
        for (int expert = 0; expert < rowsOf.Length; expert++)
            rowsOf[expert] = [];
        for (int row = 0; row < rows; row++)
        {
            foreach (int expert in Enumerable.Range(0, _shape.ExpertCount).OrderBy(_ => _random.Next()).Take(_shape.ExpertsPerToken))
                rowsOf[expert].Add(row);
        }

        int pairs = rows * _shape.ExpertsPerToken, hiddenBytes = _shape.HiddenSize * sizeof(float);
        int[] order = [.. rowsOf.SelectMany(of => of)];
        int[] starts = new int[rowsOf.Length + 1];
        for (int expert = 0; expert < rowsOf.Length; expert++)
            starts[expert + 1] = starts[expert] + rowsOf[expert].Count;
        DeviceBuffer offsets = Integers(starts.Length, i => starts[i]);
        DeviceBuffer inputs = Own(_context.Allocate((long)pairs * nint.Size)), outputs = Own(_context.Allocate((long)pairs * nint.Size));
        for (int pair = 0; pair < pairs; pair++)
        {
            inputs.HostSpan<nint>()[pair] = _in.Address.Plus((long)order[pair] * hiddenBytes).Value;
            outputs.HostSpan<nint>()[pair] = _out.Address.Plus((long)pair * hiddenBytes).Value;
        }

        return new Routing(
            rowsOf.Count(of => of.Count > 0),
            new GroupedFfnArgs { Offsets = offsets.Address, RowOfPair = inputs.Address, OutOfPair = outputs.Address, Pairs = pairs });
    }

    private DeviceBuffer Integers(int count, Func<int, int> value)
    {
        DeviceBuffer buffer = Own(_context.Allocate((long)count * sizeof(int)));
        Span<int> span = buffer.HostSpan<int>();
        for (int i = 0; i < count; i++)
            span[i] = value(i);
        return buffer;
    }

    private DeviceBuffer Floats(long count)
    {
        DeviceBuffer buffer = Own(_context.Allocate(count * sizeof(float)));
        Values(count).CopyTo(buffer.HostSpan<float>());
        return buffer;
    }

    private float[] Values(long count)
    {
        float[] values = new float[count];
        for (long i = 0; i < count; i++)
            values[i] = (_random.NextSingle() - 0.5f) * 0.1f;
        return values;
    }

    private T Own<T>(T part)
        where T : IDisposable
    {
        _owned.Add(part);
        return part;
    }

    private static string Name(WeightType type) => ((NumberType)type).ShortName();

    private static double Flops(WeightType type, double flops) => ((NumberType)type).IsInteger() ? 0 : flops;

    /// <summary>Which rows visit which experts in a call.</summary>
    private sealed record Routing(int Touched, GroupedFfnArgs Args);
}
