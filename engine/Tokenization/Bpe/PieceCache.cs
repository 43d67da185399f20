using System.Diagnostics.CodeAnalysis;

namespace MegaInfer.Engine.Tokenization.Bpe;

/// <summary>
/// Remembers the ids of recent pieces; words repeat. A fixed table without locks: an entry is immutable and replaced by one
/// reference write, so any thread may read and add at any time.
/// </summary>
internal sealed class PieceCache
{
    private const int Slots = 1 << 14;
    private const int LongestPieceBytes = 48;

    private Entry?[]? _entries;

    public bool TryGet(ReadOnlySpan<byte> piece, [NotNullWhen(true)] out int[]? ids)
    {
        Entry?[]? entries = Volatile.Read(ref _entries);
        ids = null;
        if (entries is null || piece.Length > LongestPieceBytes)
            return false;
        Entry? entry = Volatile.Read(ref entries[SlotOf(piece)]);
        if (entry is null || !piece.SequenceEqual(entry.Piece))
            return false;
        ids = entry.Ids;
        return true;
    }

    public void Add(ReadOnlySpan<byte> piece, ReadOnlySpan<int> ids)
    {
        if (piece.Length > LongestPieceBytes)
            return;
        // Made at the first use: loading a tokenizer stays cheap.
        Entry?[] entries = Volatile.Read(ref _entries) ?? new Entry?[Slots];
        Volatile.Write(ref entries[SlotOf(piece)], new Entry(piece.ToArray(), ids.ToArray()));
        Volatile.Write(ref _entries, entries);
    }

    private static int SlotOf(ReadOnlySpan<byte> piece) => ByteHash.Compute(piece) & (Slots - 1);

    private sealed record Entry(byte[] Piece, int[] Ids);
}
