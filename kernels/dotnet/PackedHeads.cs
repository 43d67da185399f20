using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels;

/// <summary>A matrix [out_features, in_features] for each head, all of one shape, as <c>GemmHeads</c> streams them. Immutable; keeps its context alive.</summary>
public sealed class PackedHeads : IDisposable
{
    internal PackedHeads(PackedHeadsHandle handle, int rows, int columns, WeightType type)
    {
        Handle = handle;
        Rows = rows;
        Columns = columns;
        Type = type;
        Bytes = handle.Bytes;
    }

    public int Count => Handle.Count;

    /// <summary>out_features of one head.</summary>
    public int Rows { get; }

    /// <summary>in_features of one head.</summary>
    public int Columns { get; }

    public WeightType Type { get; }

    /// <summary>Of all heads.</summary>
    public long Bytes { get; }

    internal PackedHeadsHandle Handle { get; }

    public void Dispose() => Handle.Dispose();
}
