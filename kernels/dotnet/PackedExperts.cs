using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels;

/// <summary>The experts that one node holds of one layer, in the layout that <c>GroupedFfn</c> streams. Immutable; keeps its context alive.</summary>
public sealed class PackedExperts : IDisposable
{
    internal PackedExperts(PackedExpertsHandle handle, ExpertsShape shape)
    {
        Handle = handle;
        Count = shape.Count;
        Hidden = shape.Hidden;
        Width = shape.Width;
        Type = shape.Type;
        Bytes = (long)MkNative.mk_experts_bytes(handle);
    }

    /// <summary>Local experts; local expert i is the i-th source given when packing.</summary>
    public int Count { get; }

    public int Hidden { get; }

    public int Width { get; }

    public WeightType Type { get; }

    public long Bytes { get; }

    /// <summary>What packing made, on a CPU context; valid until disposal.</summary>
    internal unsafe ReadOnlyMemoryBlock Data => new(MkNative.mk_experts_data(Handle), Bytes);

    internal PackedExpertsHandle Handle { get; }

    public void Dispose() => Handle.Dispose();

    /// <summary>Of <see cref="Data"/>.</summary>
    internal ulong Checksum() => MkNative.mk_experts_checksum(Handle);

    /// <summary>Moves a part of what is a mapped file's to memory, while operations may read it. Any thread, one at a time.</summary>
    /// <returns>Whether more is left; what was packed has nothing to move.</returns>
    internal bool SettleNext() => MkNative.mk_experts_settle(Handle) != 0;
}
