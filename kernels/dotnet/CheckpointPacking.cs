using System.Buffers;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;

namespace MegaInfer.Kernels;

/// <summary>
/// Packs matrices from where a checkpoint has them, and gives their pages back. A wanted type of null keeps what is stored; fp16, which kernels do not
/// stream, becomes fp32.
/// </summary>
public static class CheckpointPacking
{
    /// <summary>Stacks matrices of the same columns by rows.</summary>
    public static PackedWeight Pack(this KernelContext context, IReadOnlyList<MatrixView> matrices, NumberType? wanted, PackedCache? cache = null)
    {
        WeightType wantedType = PackedType(matrices, wanted);
        if (cache is null || !PackedCache.Keeps(context))
            return PackNow(context, matrices, wantedType);
        if (cache.FindWeight(context, matrices, wantedType) is { } kept)
            return kept;
        PackedWeight packed = PackNow(context, matrices, wantedType);
        if (packed.Type == wantedType)
            cache.Store(matrices, packed);
        return packed;
    }

    private static PackedWeight PackNow(KernelContext context, IReadOnlyList<MatrixView> matrices, WeightType wantedType)
    {
        try
        {
            MatrixSource[] sources = [.. matrices.Select(Source)];
            return PackedOrWidened(wantedType, type => context.PackWeight(sources, matrices[0].Columns, type));
        }
        finally
        {
            Release(matrices);
        }
    }

    /// <summary>A matrix for each head, all of one shape.</summary>
    public static PackedHeads PackHeads(this KernelContext context, IReadOnlyList<MatrixView> heads, NumberType? wanted)
    {
        try
        {
            MatrixSource[] sources = [.. heads.Select(Source)];
            return PackedOrWidened(PackedType(heads, wanted), type => context.PackHeads(sources, heads[0].Columns, type));
        }
        finally
        {
            Release(heads);
        }
    }

    /// <summary>The experts of one layer, or none of them.</summary>
    /// <param name="context">Where they go.</param>
    /// <param name="experts">Local expert i is the i-th.</param>
    /// <param name="spec">What they have in common.</param>
    /// <param name="hidden">Width of a row.</param>
    /// <param name="type">From <see cref="PackedType"/>.</param>
    /// <param name="cache">Of packed weights; may be null.</param>
    public static PackedExperts PackExperts(
        this KernelContext context, IReadOnlyList<ExpertMatrices> experts, ExpertSpec spec, int hidden, WeightType type, PackedCache? cache = null)
    {
        var shape = new ExpertsShape { Hidden = hidden, Width = spec.Width, Activation = spec.Activation, Alpha = spec.Alpha, Limit = spec.Limit };
        if (cache is null || experts.Count == 0 || !PackedCache.Keeps(context))
            return PackNow(context, experts, shape, type);
        if (cache.FindExperts(context, experts, shape with { Type = type }) is { } kept)
            return kept;
        PackedExperts packed = PackNow(context, experts, shape, type);
        if (packed.Type == type)
            cache.Store(experts, packed);
        return packed;
    }

    private static PackedExperts PackNow(KernelContext context, IReadOnlyList<ExpertMatrices> experts, ExpertsShape shape, WeightType type)
    {
        var pins = new List<MemoryHandle>();
        try
        {
            ExpertSource[] sources = [.. experts.Select(expert => new ExpertSource(
                Source(expert.Gate), Source(expert.Up), Source(expert.Down),
                Pin(expert.GateBias, pins), Pin(expert.UpBias, pins), Pin(expert.DownBias, pins)))];
            return PackedOrWidened(type, packed => context.PackExperts(sources, shape with { Type = packed }));
        }
        finally
        {
            foreach (MemoryHandle pin in pins)
                pin.Dispose();
            foreach (ExpertMatrices expert in experts)
                expert.Release();
        }
    }

    /// <summary>What matrices that are packed together become: what is wanted, else <see cref="MatrixView.CommonType"/>.</summary>
    public static WeightType PackedType(IEnumerable<MatrixView> matrices, NumberType? wanted) => (WeightType)(wanted ?? MatrixView.CommonType(matrices));

    // Scales whose blocks begin in the middle of a packed block have no packed form: the weights are then multiplied out.
    private static T PackedOrWidened<T>(WeightType type, Func<WeightType, T> pack)
    {
        try
        {
            return pack(type);
        }
        catch (KernelException error) when (error.IsUnsupported && type is WeightType.F8E4M3 or WeightType.MxFp4)
        {
            return pack(WeightType.F32);
        }
    }

    private static MatrixSource Source(MatrixView view)
    {
        var source = new MatrixSource
        {
            Data = view.Tensor.Address.Plus(BytesOf(view.Type, view.Offset)),
            RowStride = view.RowStride,
            ColumnStride = view.ColumnStride,
            Type = (WeightType)view.Type,
            Rows = view.Rows,
        };
        if (view.Scales is { } scales)
        {
            source.Scales = scales.Tensor.Address.Plus(scales.Offset * (view.Type == NumberType.Float8E4M3 ? sizeof(float) : sizeof(byte)));
            source.ScaleRowStride = scales.RowStride;
            source.ScaleColumnStride = scales.ColumnStride;
            (source.BlockRows, source.BlockColumns) = (scales.BlockRows, scales.BlockColumns);
            (source.ScaleRow, source.ScaleColumn) = (scales.Row, scales.Column);
        }

        return source;
    }

    private static long BytesOf(NumberType type, long elements) => type switch
    {
        NumberType.Float32 => elements * sizeof(float),
        NumberType.Float8E4M3 => elements,
        NumberType.MxFloat4 => elements / 2,
        _ => elements * sizeof(ushort),
    };

    private static unsafe DeviceAddress Pin(float[]? values, List<MemoryHandle> pins)
    {
        if (values is null)
            return DeviceAddress.Null;
        pins.Add(values.AsMemory().Pin());
        return new DeviceAddress((nint)pins[^1].Pointer);
    }

    private static void Release(IReadOnlyList<MatrixView> matrices)
    {
        foreach (MatrixView matrix in matrices)
            matrix.Release();
    }
}
