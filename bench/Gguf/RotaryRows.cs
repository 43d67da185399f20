namespace MegaInfer.Bench.Gguf;

/// <summary>
/// The order of a projection's rows within a head. Hugging Face folders rotate component i with i + half; ggml's <c>llama</c> architecture rotates 2i with 2i + 1. Queries and
/// keys in the other order give the same scores, since both sides of every product move alike.
/// </summary>
internal static class RotaryRows
{
    /// <summary>Rows [heads x head dim, columns] with halves, as rows with neighbours.</summary>
    /// <param name="rows">Row-major.</param>
    /// <param name="columns">Width of a row.</param>
    /// <param name="headDim">Rows of a head; even.</param>
    public static float[] ToNeighbours(float[] rows, int columns, int headDim)
    {
        float[] result = new float[rows.Length];
        for (int row = 0; row < rows.Length / columns; row++)
            rows.AsSpan(SourceRow(row, headDim) * columns, columns).CopyTo(result.AsSpan(row * columns));
        return result;
    }

    /// <summary>Where the row with neighbours at <paramref name="row"/> stands among rows with halves.</summary>
    internal static int SourceRow(int row, int headDim)
    {
        int head = row / headDim;
        int within = row % headDim;
        return (head * headDim) + (within % 2 * (headDim / 2)) + (within / 2);
    }
}
