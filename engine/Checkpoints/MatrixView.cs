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

    /// <summary>The narrowest type that holds each of some matrices as it is stored; FP16, in which nothing is multiplied, counts as FP32.</summary>
    public static NumberType CommonType(IEnumerable<MatrixView> matrices)
    {
        NumberType[] stored = [.. matrices.Select(matrix => matrix.Type).Distinct()];
        return stored is [not NumberType.Float16] ? stored[0] : NumberType.Float32;
    }

    /// <summary>The whole tensor, stored row-major as [out features, in features], with its scales if it has any.</summary>
    public static MatrixView Whole(CheckpointTensor tensor) => new()
    {
        Tensor = tensor,
        Rows = tensor.Shape[0],
        Columns = tensor.Shape[1],
        RowStride = tensor.Shape[1],
        Scales = tensor.Scales is { } scales ? ScaleView.OfFloat8(scales) : null,
    };

    /// <summary>Some neighbouring rows.</summary>
    public MatrixView Slice(int firstRow, int rows) => this with
    {
        Offset = Offset + (firstRow * RowStride),
        Rows = rows,
        Scales = Scales?.From(firstRow),
    };

    /// <summary>Rows and columns change places; nothing moves.</summary>
    public MatrixView Transposed() => this with
    {
        Rows = Columns,
        Columns = Rows,
        RowStride = ColumnStride,
        ColumnStride = RowStride,
        Scales = Scales?.Transposed(),
    };

    /// <summary>
    /// [rows, columns] row-major, in fp32: widened exactly; FP8 times its scale in one rounding; 4-bit numbers times their power of two, exactly. Nothing is mapped.
    /// </summary>
    public float[] ToFloat32()
    {
        float[] result = new float[checked(Rows * Columns)];
        new MatrixReader(this).CopyTo(result);
        return result;
    }

    /// <summary>Gives the pages of numbers and scales back.</summary>
    public void Release()
    {
        Tensor.Release();
        Scales?.Tensor.Release();
    }
}
