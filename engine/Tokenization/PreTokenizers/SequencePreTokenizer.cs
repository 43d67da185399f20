namespace MegaInfer.Engine.Tokenization.PreTokenizers;

/// <summary>Several pre-tokenizers; each cuts the pieces of the one before.</summary>
internal sealed class SequencePreTokenizer(IReadOnlyList<PreTokenizer> steps) : PreTokenizer
{
    public override void Split(ReadOnlyMemory<char> piece, bool isTextStart, List<ReadOnlyMemory<char>> output)
    {
        List<ReadOnlyMemory<char>> pieces = [piece];
        List<ReadOnlyMemory<char>> next = [];
        foreach (PreTokenizer step in steps)
        {
            next.Clear();
            for (int i = 0; i < pieces.Count; i++)
            {
                if (!pieces[i].IsEmpty)
                    step.Split(pieces[i], isTextStart && i == 0, next);
            }

            (pieces, next) = (next, pieces);
        }

        output.AddRange(pieces);
    }
}
