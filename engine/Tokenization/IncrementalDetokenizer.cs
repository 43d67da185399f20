using System.Text;

namespace MegaInfer.Engine.Tokenization;

/// <summary>
/// Turns the tokens of one sequence into text as they come. A character whose bytes are spread over tokens appears when it is
/// complete; bytes that can never become a character appear as U+FFFD. The concatenation of everything returned equals
/// <see cref="Tokenizer.Decode"/> of all ids. One thread at a time.
/// </summary>
public sealed class IncrementalDetokenizer
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipsSpecial;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private int _leadingSpaces;
    private bool _hasBegun;

    /// <param name="tokenizer">Knows the bytes of each token.</param>
    /// <param name="skipSpecial">Leaves special tokens out.</param>
    public IncrementalDetokenizer(Tokenizer tokenizer, bool skipSpecial = true)
    {
        _tokenizer = tokenizer;
        _skipsSpecial = skipSpecial;
        _leadingSpaces = tokenizer.LeadingSpaces;
    }

    /// <summary>The text that this token completes; may be empty.</summary>
    public string Append(int id)
    {
        if (_skipsSpecial && _tokenizer.IsSpecial(id))
            return "";
        return Take(_tokenizer.TokenBytes(id).Span, flush: false);
    }

    /// <summary>Ends the text: what was held back as the start of a character comes out as U+FFFD. Append must not follow.</summary>
    public string Flush() => Take([], flush: true);

    private string Take(ReadOnlySpan<byte> bytes, bool flush)
    {
        if (!_hasBegun && bytes.Length > 0)
        {
            // Only the start of the whole text loses the space that SentencePiece-style tokens carry.
            while (_leadingSpaces > 0 && bytes.Length > 0 && bytes[0] == ' ')
            {
                bytes = bytes[1..];
                _leadingSpaces--;
            }

            _hasBegun = bytes.Length > 0 || _leadingSpaces == 0;
        }

        int count = _decoder.GetCharCount(bytes, flush);
        if (count == 0 && bytes.IsEmpty)
            return "";
        Span<char> chars = count <= 256 ? stackalloc char[256] : new char[count];
        int written = _decoder.GetChars(bytes, chars, flush);
        return new string(chars[..written]);
    }
}
