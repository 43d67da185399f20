using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels;

/// <summary>A matrix [out_features, in_features] in the layout that <c>Gemm</c> streams. Immutable; keeps its context alive.</summary>
public sealed class PackedWeight : IDisposable
{
    internal PackedWeight(PackedWeightHandle handle, int rows, int columns, WeightType type)
    {
        Handle = handle;
        Rows = rows;
        Columns = columns;
        Type = type;
        Bytes = (long)MkNative.mk_weight_bytes(handle.Address.Value);
    }

    /// <summary>out_features, of all stacked matrices together.</summary>
    public int Rows { get; }

    /// <summary>in_features.</summary>
    public int Columns { get; }

    public WeightType Type { get; }

    public long Bytes { get; }

    /// <summary>What packing made, on a CPU context; valid until disposal.</summary>
    internal unsafe ReadOnlyMemoryBlock Data => new(MkNative.mk_weight_data(Handle), Bytes);

    internal PackedWeightHandle Handle { get; }

    public void Dispose() => Handle.Dispose();

    /// <summary>Of <see cref="Data"/>.</summary>
    internal ulong Checksum() => MkNative.mk_weight_checksum(Handle);

    /// <summary>Moves a part of what is a mapped file's to memory, while operations may read it. Any thread, one at a time.</summary>
    /// <returns>Whether more is left; what was packed has nothing to move.</returns>
    internal bool SettleNext() => MkNative.mk_weight_settle(Handle) != 0;
}
