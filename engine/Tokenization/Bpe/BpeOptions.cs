using System.Text;

namespace MegaInfer.Engine.Tokenization.Bpe;

/// <summary>The switches of a BPE model in tokenizer.json.</summary>
/// <param name="IsByteLevel">Pieces start as bytes; otherwise as characters.</param>
/// <param name="IgnoreMerges">A piece that is itself a token is that token, whatever the merges say.</param>
/// <param name="HasByteFallback">A character without a token becomes the tokens of its bytes, "&lt;0xE2&gt;" and so on.</param>
/// <param name="FuseUnknown">Neighbouring unknown characters become one unknown token.</param>
/// <param name="UnknownId">Id of the unknown token, or -1.</param>
internal sealed record BpeOptions(bool IsByteLevel, bool IgnoreMerges, bool HasByteFallback, bool FuseUnknown, int UnknownId)
{
    /// <summary>The token text of a byte in files with byte fallback.</summary>
    public static byte[] ByteFallbackText(int value) => Encoding.ASCII.GetBytes($"<0x{value:X2}>");
}
