using System.Buffers;
using System.Text;
using MegaInfer.Engine.Tokenization.Bpe;
using MegaInfer.Engine.Tokenization.PreTokenizers;

namespace MegaInfer.Engine.Tokenization;

/// <summary>Cuts one stretch of ordinary text into pieces and appends their ids. Used within one call of Encode.</summary>
internal sealed class PieceEncoder(BpeModel model, PreTokenizer? preTokenizer, List<int> ids)
{
    private readonly List<ReadOnlyMemory<char>> _pieces = [];

    public void Encode(ReadOnlyMemory<char> text, bool isTextStart)
    {
        _pieces.Clear();
        if (preTokenizer is null)
            _pieces.Add(text);
        else
            preTokenizer.Split(text, isTextStart, _pieces);
        foreach (ReadOnlyMemory<char> piece in _pieces)
            EncodePiece(piece.Span);
    }

    private void EncodePiece(ReadOnlySpan<char> piece)
    {
        // A UTF-16 unit takes at most three bytes.
        byte[]? rented = piece.Length > 170 ? ArrayPool<byte>.Shared.Rent(piece.Length * 3) : null;
        Span<byte> bytes = rented ?? stackalloc byte[512];
        int length = Encoding.UTF8.GetBytes(piece, bytes);
        model.Encode(bytes[..length], ids);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
    }
}
