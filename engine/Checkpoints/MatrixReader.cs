using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Reads any <see cref="MatrixView"/> as fp32, band by band, so that a part of a large tensor costs no more than itself. One thread.</summary>
internal sealed class MatrixReader(MatrixView view)
{
    private const int BandElements = 1 << 20;

    private float[] _scales = [];
    private long _firstScale;

    /// <summary>[rows, columns] row-major.</summary>
    public void CopyTo(Span<float> destination)
    {
        if (view.Scales is { } scales)
            ReadScales(scales);
        // A band is a few lines along the greater stride: rows, or columns of a transposed matrix.
        bool isByRows = view.RowStride >= view.ColumnStride;
        int lines = isByRows ? view.Rows : view.Columns;
        int bandLines = (int)Math.Clamp(BandElements / Math.Max(view.RowStride, view.ColumnStride), 1, lines);
        for (int line = 0; line < lines; line += bandLines)
        {
            int count = Math.Min(bandLines, lines - line);
            if (isByRows)
                Fill(destination, line, count, 0, view.Columns);
            else
                Fill(destination, 0, view.Rows, line, count);
        }
    }

    private void Fill(Span<float> destination, int row, int rows, int column, int columns)
    {
        long first = view.Offset + (row * view.RowStride) + (column * view.ColumnStride);
        long last = first + ((rows - 1) * view.RowStride) + ((columns - 1) * view.ColumnStride);
        float[] band = ReadElements(first, checked((int)(last - first + 1)));
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
            {
                float value = band[(r * view.RowStride) + (c * view.ColumnStride)];
                if (view.Scales is { } scales)
                    value *= _scales[scales.IndexOf(row + r, column + c) - _firstScale];
                destination[(int)(((long)(row + r) * view.Columns) + column + c)] = value;
            }
        }
    }

    /// <summary>Neighbouring elements as the numbers they stand for, scales apart.</summary>
    private float[] ReadElements(long first, int count)
    {
        float[] values = new float[count];
        if (view.Type != NumberType.MxFloat4)
        {
            view.Tensor.CopyTo(first, values);
            return values;
        }

        byte[] pairs = new byte[((first + count + 1) / 2) - (first / 2)];
        view.Tensor.ReadBytes(first / 2, pairs);
        for (int i = 0; i < count; i++)
        {
            long index = first + i;
            byte pair = pairs[(index / 2) - (first / 2)];
            values[i] = SmallFloats.OfE2M1(index % 2 == 0 ? pair : pair >> 4);
        }

        return values;
    }

    private void ReadScales(ScaleView scales)
    {
        _firstScale = scales.IndexOf(0, 0);
        _scales = new float[scales.IndexOf(view.Rows - 1, view.Columns - 1) - _firstScale + 1];
        if (scales.ElementType == NumberType.Float8E4M3)
        {
            scales.Tensor.CopyTo(_firstScale, _scales);
            return;
        }

        byte[] exponents = new byte[_scales.Length];
        scales.Tensor.ReadBytes(_firstScale, exponents);
        for (int i = 0; i < exponents.Length; i++)
            _scales[i] = SmallFloats.OfE8M0(exponents[i]);
    }
}
