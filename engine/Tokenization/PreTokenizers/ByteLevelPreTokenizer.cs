using MegaInfer.Engine.Tokenization.Patterns;

namespace MegaInfer.Engine.Tokenization.PreTokenizers;

/// <summary>
/// The splitting half of ByteLevel: an optional space in front and GPT-2's pattern. The bytes themselves are the merge
/// loop's business.
/// </summary>
internal sealed class ByteLevelPreTokenizer(bool addsPrefixSpace, bool usesPattern) : PreTokenizer
{
    private const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private readonly SplitPreTokenizer? _pattern =
        usesPattern ? new SplitPreTokenizer(new SplitPattern(Gpt2Pattern), SplitBehavior.Isolated, isInverted: false) : null;

    public override void Split(ReadOnlyMemory<char> piece, bool isTextStart, List<ReadOnlyMemory<char>> output)
    {
        if (addsPrefixSpace && piece.Span[0] != ' ')
            piece = $" {piece.Span}".AsMemory();
        if (_pattern is null)
            output.Add(piece);
        else
            _pattern.Split(piece, isTextStart, output);
    }
}
