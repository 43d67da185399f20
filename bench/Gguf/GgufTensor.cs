using System.Collections.Immutable;
using MegaInfer.Engine.Checkpoints;

namespace MegaInfer.Bench.Gguf;

/// <summary>A tensor on its way into a GGUF file.</summary>
/// <param name="Name">The file's name for it.</param>
/// <param name="Type">What its elements become.</param>
/// <param name="Shape">Outermost dimension first, as everywhere in this project; the file has it the other way round.</param>
/// <param name="Parts">Its elements, row-major, in parts that follow each other; read when the tensor is written.</param>
internal sealed record GgufTensor(string Name, GgufTensorType Type, ImmutableArray<int> Shape, IEnumerable<float[]> Parts)
{
    /// <summary>A part of a large matrix; what is held in memory at once.</summary>
    private const int PartElements = 1 << 14;

    public long Elements => Shape.Aggregate(1L, (product, dimension) => checked(product * dimension));

    public long Bytes => Elements * (Type == GgufTensorType.Float32 ? sizeof(float) : sizeof(ushort));

    /// <summary>A norm: such vectors stay fp32.</summary>
    public static GgufTensor OfVector(string name, float[] values) => new(name, GgufTensorType.Float32, [values.Length], [values]);

    /// <summary>[rows, columns]</summary>
    public static GgufTensor OfMatrix(string name, MatrixView matrix, GgufTensorType type = GgufTensorType.BFloat16) =>
        new(name, type, [matrix.Rows, matrix.Columns], PartsOf(matrix));

    /// <summary>[matrices, rows, columns]: matrices of one shape, one after the other.</summary>
    public static GgufTensor OfStack(string name, IReadOnlyList<MatrixView> matrices) =>
        new(name, GgufTensorType.BFloat16, [matrices.Count, matrices[0].Rows, matrices[0].Columns], matrices.SelectMany(PartsOf));

    private static IEnumerable<float[]> PartsOf(MatrixView matrix)
    {
        int rows = Math.Max(1, PartElements / matrix.Columns);
        for (int row = 0; row < matrix.Rows; row += rows)
            yield return matrix.Slice(row, Math.Min(rows, matrix.Rows - row)).ToFloat32();
    }
}
