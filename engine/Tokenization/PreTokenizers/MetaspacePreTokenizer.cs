using MegaInfer.Engine.Tokenization.Patterns;

namespace MegaInfer.Engine.Tokenization.PreTokenizers;

/// <summary>SentencePiece's habit: spaces become a visible mark, and each mark begins a piece.</summary>
/// <param name="mark">What replaces a space, normally U+2581.</param>
/// <param name="scheme">Whether the text gets a mark in front.</param>
/// <param name="splits">Whether pieces are cut at the marks.</param>
internal sealed class MetaspacePreTokenizer(char mark, MetaspacePrepend scheme, bool splits) : PreTokenizer
{
    private readonly SplitPreTokenizer? _split = splits
        ? new SplitPreTokenizer(new SplitPattern($@"\u{(int)mark:X4}"), SplitBehavior.MergedWithNext, isInverted: false)
        : null;

    public override void Split(ReadOnlyMemory<char> piece, bool isTextStart, List<ReadOnlyMemory<char>> output)
    {
        string text = piece.ToString().Replace(' ', mark);
        bool prepends = scheme == MetaspacePrepend.Always || (scheme == MetaspacePrepend.First && isTextStart);
        if (prepends && text[0] != mark)
            text = mark + text;
        if (_split is null)
            output.Add(text.AsMemory());
        else
            _split.Split(text.AsMemory(), isTextStart, output);
    }
}
