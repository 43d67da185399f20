using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints;

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

    /// <summary>The scale of an element, by its place in <see cref="Tensor"/>.</summary>
    internal long IndexOf(int row, int column) => Offset + ((Row + row) / BlockRows * RowStride) + ((Column + column) / BlockColumns * ColumnStride);

    /// <summary>Scales [blocks of rows, blocks of columns] of a whole FP8 matrix.</summary>
    internal static ScaleView OfFloat8(CheckpointTensor scales) => new()
    {
        Tensor = scales,
        ElementType = NumberType.Float8E4M3,
        BlockRows = WeightFormat.Float8Block,
        BlockColumns = WeightFormat.Float8Block,
        RowStride = scales.Shape[1],
    };

    /// <summary>The same without the rows before <paramref name="firstRow"/>.</summary>
    internal ScaleView From(int firstRow) => this with { Offset = Offset + ((Row + firstRow) / BlockRows * RowStride), Row = (Row + firstRow) % BlockRows };

    internal ScaleView Transposed() => this with
    {
        BlockRows = BlockColumns,
        BlockColumns = BlockRows,
        RowStride = ColumnStride,
        ColumnStride = RowStride,
        Row = Column,
        Column = Row,
    };
}
