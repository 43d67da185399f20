using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// A matrix [Rows, Columns] = [out features, in features] where it lies in a checkpoint: a whole tensor, a part of one, transposed or interleaved. Element (r, c) is element
/// Offset + r * RowStride + c * ColumnStride of <see cref="Tensor"/>. The same as mk_matrix of the kernels.
/// </summary>
public sealed record MatrixView
{
    public required CheckpointTensor Tensor { get; init; }

    /// <summary>Elements before the matrix' first; even for 4-bit numbers.</summary>
    public long Offset { get; init; }

    public required int Rows { get; init; }

    public required int Columns { get; init; }

    public required long RowStride { get; init; }

    public long ColumnStride { get; init; } = 1;

    /// <summary>Null for numbers that need no scales.</summary>
    public ScaleView? Scales { get; init; }

    /// <summary>How the elements are stored.</summary>
    public NumberType Type => Scales?.ElementType ?? Tensor.NumberType;

    /// <summary>The whole tensor, stored row-major as [out features, in features].</summary>
    public static MatrixView Whole(CheckpointTensor tensor) => new()
    {
        Tensor = tensor,
        Rows = tensor.Shape[0],
        Columns = tensor.Shape[1],
        RowStride = tensor.Shape[1],
    };

    /// <summary>Gives the pages of numbers and scales back.</summary>
    public void Release()
    {
        Tensor.Release();
        Scales?.Tensor.Release();
    }
}

/// <summary>
/// The scales of a quantised matrix: element (r, c) has scale Offset + (Row + r) / BlockRows * RowStride + (Column + c) / BlockColumns * ColumnStride of
/// <see cref="Tensor"/>.
/// </summary>
public sealed record ScaleView
{
    /// <summary>fp32 for FP8; bytes that are exponents (value 2^(e - 127)) for 4-bit numbers.</summary>
    public required CheckpointTensor Tensor { get; init; }

    /// <summary>What the matrix' elements are: <see cref="NumberType.Float8E4M3"/> or <see cref="NumberType.MxFloat4"/>.</summary>
    public required NumberType ElementType { get; init; }

    public long Offset { get; init; }

    public required int BlockRows { get; init; }

    public required int BlockColumns { get; init; }

    public required long RowStride { get; init; }

    public long ColumnStride { get; init; } = 1;

    /// <summary>Where the matrix begins within its first block.</summary>
    public int Row { get; init; }

    public int Column { get; init; }
}
