using System.Text;
using MegaInfer.Engine.Tokenization.Bpe;

namespace MegaInfer.Engine.Tokenization;

/// <summary>The bytes each token adds to the text. Immutable; any thread may use it.</summary>
internal sealed class TokenDecoder
{
    private readonly Vocabulary _vocabulary;
    private readonly Dictionary<int, byte[]> _addedTokens = [];
    private readonly IReadOnlyList<(string Text, string By)> _replacements;
    private readonly bool _hasByteFallback;

    /// <param name="vocabulary">Bytes of all tokens.</param>
    /// <param name="addedTokens">Stand for their own text, whatever the alphabet of the rest.</param>
    /// <param name="replacements">Text replaced in each token, such as U+2581 by a space.</param>
    /// <param name="hasByteFallback">"&lt;0xE2&gt;" stands for that byte.</param>
    /// <param name="leadingSpaces">How many spaces are dropped at the very start of a text.</param>
    public TokenDecoder(
        Vocabulary vocabulary,
        IReadOnlyList<AddedToken> addedTokens,
        IReadOnlyList<(string Text, string By)> replacements,
        bool hasByteFallback,
        int leadingSpaces)
    {
        _vocabulary = vocabulary;
        foreach (AddedToken token in addedTokens)
            _addedTokens[token.Id] = Encoding.UTF8.GetBytes(token.Content);
        _replacements = replacements;
        _hasByteFallback = hasByteFallback;
        LeadingSpaces = leadingSpaces;
    }

    public int LeadingSpaces { get; }

    /// <summary>The bytes of a token; empty for an id that no token has.</summary>
    public ReadOnlyMemory<byte> Bytes(int id)
    {
        if (_addedTokens.TryGetValue(id, out byte[]? added))
            return added;
        ReadOnlyMemory<byte> bytes = _vocabulary.Memory(id);
        if (_hasByteFallback && TryByte(bytes.Span, out byte value))
            return new[] { value };
        if (_replacements.Count == 0 || bytes.IsEmpty)
            return bytes;
        string text = Encoding.UTF8.GetString(bytes.Span);
        foreach ((string old, string by) in _replacements)
            text = text.Replace(old, by, StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(text);
    }

    private static bool TryByte(ReadOnlySpan<byte> token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x"u8) && token[5] == '>'
            && System.Buffers.Text.Utf8Parser.TryParse(token[3..5], out value, out int consumed, 'x') && consumed == 2;
    }
}
