using MegaInfer.Engine.Checkpoints;

namespace MegaInfer.Engine.Reference;

/// <summary>Reads a matrix whole.</summary>
internal static class MatrixViewReading
{
    /// <summary>[Rows, Columns] widened to float32.</summary>
    public static float[] ToFloat32(this MatrixView matrix)
    {
        if (matrix.Scales is not null)
            throw new NotImplementedException();
        float[] tensor = matrix.Tensor.ToFloat32();
        float[] result = new float[matrix.Rows * matrix.Columns];
        for (int row = 0; row < matrix.Rows; row++)
        {
            for (int column = 0; column < matrix.Columns; column++)
                result[(row * matrix.Columns) + column] = tensor[matrix.Offset + (row * matrix.RowStride) + (column * matrix.ColumnStride)];
        }

        return result;
    }
}
