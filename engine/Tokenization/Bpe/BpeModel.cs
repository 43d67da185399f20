using System.Buffers;

namespace MegaInfer.Engine.Tokenization.Bpe;

/// <summary>
/// Byte pair encoding of one piece of text: start from bytes (or characters, in SentencePiece-style files), then merge the
/// neighbouring pair of the lowest rank, leftmost first, until none is left. Immutable; any thread may encode.
/// </summary>
internal sealed class BpeModel
{
    private readonly Vocabulary _vocabulary;
    private readonly MergeTable _merges;
    private readonly BpeOptions _options;
    private readonly int[] _byteIds = new int[256];
    private readonly PieceCache _cache = new();

    public BpeModel(Vocabulary vocabulary, MergeTable merges, BpeOptions options)
    {
        _vocabulary = vocabulary;
        _merges = merges;
        _options = options;
        for (int b = 0; b < 256; b++)
            _byteIds[b] = options.IsByteLevel ? vocabulary.Find([(byte)b]) : vocabulary.Find(BpeOptions.ByteFallbackText(b));
    }

    /// <summary>Appends the ids of one piece, given as UTF-8.</summary>
    public void Encode(ReadOnlySpan<byte> piece, List<int> ids)
    {
        if (piece.IsEmpty)
            return;
        if (_cache.TryGet(piece, out int[]? known))
        {
            ids.AddRange(known.AsSpan());
            return;
        }

        int first = ids.Count;
        if (_options.IgnoreMerges && _vocabulary.Find(piece) is int whole and >= 0)
            ids.Add(whole);
        else
            Merge(piece, ids);
        _cache.Add(piece, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ids)[first..]);
    }

    private void Merge(ReadOnlySpan<byte> piece, List<int> ids)
    {
        // A byte gives at most one symbol, a character of n bytes at most n.
        int[] symbols = ArrayPool<int>.Shared.Rent(piece.Length);
        int count = _options.IsByteLevel ? SplitBytes(piece, symbols) : SplitCharacters(piece, symbols);
        BpeMerger.Run(_merges, symbols.AsSpan(0, count), ids);
        ArrayPool<int>.Shared.Return(symbols);
    }

    private int SplitBytes(ReadOnlySpan<byte> piece, int[] symbols)
    {
        int count = 0;
        foreach (byte b in piece)
        {
            // A byte without a token becomes the unknown token where the file has one, else it is dropped.
            int id = _byteIds[b] >= 0 ? _byteIds[b] : _options.UnknownId;
            if (id >= 0)
                symbols[count++] = id;
        }

        return count;
    }

    private int SplitCharacters(ReadOnlySpan<byte> piece, int[] symbols)
    {
        int count = 0;
        bool lastWasUnknown = false;
        while (!piece.IsEmpty)
        {
            System.Text.Rune.DecodeFromUtf8(piece, out _, out int length);
            int id = _vocabulary.Find(piece[..length]);
            bool isUnknown = id < 0 && !(_options.HasByteFallback && HasAllBytes(piece[..length]));
            if (id >= 0)
            {
                symbols[count++] = id;
            }
            else if (!isUnknown)
            {
                foreach (byte b in piece[..length])
                    symbols[count++] = _byteIds[b];
            }
            else if (_options.UnknownId >= 0 && !(lastWasUnknown && _options.FuseUnknown))
            {
                symbols[count++] = _options.UnknownId;
            }

            lastWasUnknown = isUnknown;
            piece = piece[length..];
        }

        return count;
    }

    private bool HasAllBytes(ReadOnlySpan<byte> character)
    {
        foreach (byte b in character)
        {
            if (_byteIds[b] < 0)
                return false;
        }

        return true;
    }
}
