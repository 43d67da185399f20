using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;

namespace MegaInfer.Kernels;

/// <summary>
/// A matrix [rows, columns] = [out_features, in_features] in host memory, as the checkpoint holds it; mirrors mk_matrix. Element (r, c) lies at Data[r * RowStride +
/// c * ColumnStride]; a quantised one is multiplied by Scales[(ScaleRow + r) / BlockRows * ScaleRowStride + (ScaleColumn + c) / BlockColumns * ScaleColumnStride].
/// Read only while packing. Strides are in elements.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct MatrixSource
{
    public DeviceAddress Data;

    /// <summary>Float for F8E4M3, exponent bytes for MxFp4, null for the other types.</summary>
    public DeviceAddress Scales;

    /// <summary>0: the number of columns. Even for MxFp4.</summary>
    public long RowStride;

    /// <summary>0: 1.</summary>
    public long ColumnStride;

    /// <summary>From one block of rows to the next.</summary>
    public long ScaleRowStride;

    /// <summary>From one block of columns to the next.</summary>
    public long ScaleColumnStride;

    /// <summary>0 for types without scales.</summary>
    public int BlockRows;
    public int BlockColumns;

    /// <summary>Where the matrix begins within its first block: 0..BlockRows-1.</summary>
    public int ScaleRow;
    public int ScaleColumn;
    public WeightType Type;

    /// <summary>Out_features.</summary>
    public int Rows;

    /// <summary>A row-major matrix without scales.</summary>
    public MatrixSource(DeviceAddress data, WeightType type, int rows)
    {
        Data = data;
        Type = type;
        Rows = rows;
    }
}
