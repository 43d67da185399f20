using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints.Random;

/// <summary>The output head of a random model that only says text: the rows of ids that are no text by themselves are 0, and so are their logits, far below the greatest.</summary>
internal static class TextHead
{
    private const int FirstByteBeyondAscii = 128;

    /// <summary>The tensor whose rows are cleared; null where none are.</summary>
    public static string? TensorOf(RandomModelOptions options, ModelSpec spec) =>
        options.HasTextHead && !spec.HasTiedEmbeddings && RandomConfigFiles.HasTokenizer(options) ? new TensorNames(spec).LmHead : null;

    /// <summary>Clears what of elements <paramref name="offset"/> .. of the head [vocabulary, hidden] belongs to such ids.</summary>
    public static void Clear(long offset, Span<float> values, int hiddenSize)
    {
        long first = ((long)FirstByteBeyondAscii * hiddenSize) - offset;
        long end = ((long)ByteTokenizerFiles.MinimumVocabulary * hiddenSize) - offset;
        int from = (int)Math.Clamp(first, 0, values.Length);
        values[from..(int)Math.Clamp(end, from, values.Length)].Clear();
    }
}
