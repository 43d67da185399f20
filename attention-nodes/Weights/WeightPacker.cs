using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels;

namespace MegaInfer.AttentionNodes.Weights;

/// <summary>
/// Turns a checkpoint's tensors into what kernels read, giving each one's pages back as soon as it is packed, and owns all that it made.
/// </summary>
/// <param name="context">Where it goes.</param>
/// <param name="type">Type of packed matrices; null: as each is stored.</param>
/// <param name="cache">Of packed weights, owned; may be null.</param>
internal sealed class WeightPacker(KernelContext context, NumberType? type, PackedCache? cache) : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly HashSet<NumberType> _types = [];

    /// <summary>Memory of everything so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>What matrices became, those apart that keep every stored bit whatever is asked for.</summary>
    public IReadOnlyCollection<NumberType> Types => _types;

    /// <summary>Matrices with the same columns, stacked by rows.</summary>
    public PackedWeight Pack(params IReadOnlyList<MatrixView> matrices)
    {
        PackedWeight packed = Own(context.Pack(matrices, type, cache));
        Count(packed.Bytes, packed.Type);
        return packed;
    }

    /// <summary>A router or a gate: it decides where rows go and what counts, so that neither it nor the rows beside it are rounded.</summary>
    public PackedWeight PackWidened(MatrixView matrix)
    {
        PackedWeight packed = Own(context.Pack([matrix], NumberType.Float32));
        Bytes += packed.Bytes;
        return packed;
    }

    /// <summary>The LM head.</summary>
    public PackedWeight PackHead(MatrixView matrix)
    {
        PackedWeight packed = Own(context.Pack([matrix], type?.OfHead(), cache));
        Count(packed.Bytes, packed.Type);
        return packed;
    }

    public PackedHeads PackHeads(IReadOnlyList<MatrixView> heads)
    {
        PackedHeads packed = Own(context.PackHeads(heads, type));
        Count(packed.Bytes, packed.Type);
        return packed;
    }

    /// <summary>An expert that every row visits.</summary>
    public PackedExperts PackExpert(ExpertMatrices expert, int hidden, int width)
    {
        WeightType packedType = CheckpointPacking.PackedType([expert.Gate, expert.Up, expert.Down], type);
        PackedExperts packed = Own(context.PackExperts([expert], new ExpertSpec(width), hidden, packedType, cache));
        Count(packed.Bytes, packed.Type);
        return packed;
    }

    /// <summary>A small tensor as fp32.</summary>
    public DeviceBuffer Upload(ReadOnlySpan<float> values)
    {
        DeviceBuffer buffer = Allocate((long)values.Length * sizeof(float));
        context.Upload(buffer.Address, values);
        return buffer;
    }

    /// <summary>What a model may lack.</summary>
    public DeviceBuffer? UploadAny(float[]? values) => values is null ? null : Upload(values);

    /// <summary>A tensor as it is stored.</summary>
    public DeviceBuffer Copy(CheckpointTensor tensor)
    {
        DeviceBuffer buffer = Allocate(tensor.Bytes);
        context.Copy(buffer.Address, tensor.Address, tensor.Bytes);
        context.Wait();
        tensor.Release();
        return buffer;
    }

    /// <summary>[width, width] A product with it copies each row's numbers to where the product goes.</summary>
    public PackedWeight Identity(int width)
    {
        float[] ones = new float[width * width];
        for (int i = 0; i < width; i++)
            ones[(i * width) + i] = 1f;
        PackedWeight packed = Own(context.PackWeight(ones, width, WeightType.F32));
        Bytes += packed.Bytes;
        return packed;
    }

    /// <summary>When all is packed: see <see cref="PackedCache.StartSettling"/>.</summary>
    public void StartSettling() => cache?.StartSettling();

    /// <summary>What settling has not come to. Any thread.</summary>
    public long UnsettledBytes => cache?.UnsettledBytes ?? 0;

    public void Dispose()
    {
        cache?.Dispose();
        foreach (IDisposable owned in _owned)
            owned.Dispose();
        _owned.Clear();
    }

    private DeviceBuffer Allocate(long bytes)
    {
        DeviceBuffer buffer = Own(context.Allocate(bytes));
        Bytes += bytes;
        return buffer;
    }

    private void Count(long bytes, WeightType packedType)
    {
        Bytes += bytes;
        _types.Add((NumberType)packedType);
    }

    private T Own<T>(T part)
        where T : IDisposable
    {
        _owned.Add(part);
        return part;
    }
}
