namespace MegaInfer.Engine.Tokenization.PreTokenizers;

/// <summary>
/// Cuts very long text before it is split into pieces, as Kimi's own code does to keep its regex engine from failing: every 400,000 characters, and within
/// those after 25,000 in a row that are all white space or all not. Chinese text has such runs, and a cut shows in the ids.
/// </summary>
internal sealed class RunLimitPreTokenizer(PreTokenizer pieces) : PreTokenizer
{
    private const int LongestPart = 400_000;
    private const int LongestRun = 25_000;

    public override void Split(ReadOnlyMemory<char> piece, bool isTextStart, List<ReadOnlyMemory<char>> output)
    {
        while (!piece.IsEmpty)
        {
            int length = 0;
            for (int count = 0; count < LongestPart && length < piece.Length; count++)
                length += CodePointLength(piece.Span[length..]);
            SplitPart(piece[..length], isTextStart, output);
            piece = piece[length..];
            isTextStart = false;
        }
    }

    private void SplitPart(ReadOnlyMemory<char> part, bool isTextStart, List<ReadOnlyMemory<char>> output)
    {
        int start = 0;
        int run = 0;
        bool isSpace = IsSpace(part.Span[0]);
        for (int at = 0; at < part.Length; at += CodePointLength(part.Span[at..]))
        {
            if (IsSpace(part.Span[at]) != isSpace)
            {
                isSpace = !isSpace;
                run = 1;
            }
            else if (++run > LongestRun)
            {
                pieces.Split(part[start..at], isTextStart && start == 0, output);
                start = at;
                run = 1;
            }
        }

        pieces.Split(part[start..], isTextStart && start == 0, output);
    }

    // As Python's str.isspace has it, the information separators included.
    private static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    private static int CodePointLength(ReadOnlySpan<char> text) => text.Length > 1 && char.IsSurrogatePair(text[0], text[1]) ? 2 : 1;
}
