using MegaInfer.Engine.Tokenization.Patterns;

namespace MegaInfer.Engine.Tokenization.PreTokenizers;

/// <summary>Cuts at the matches of a pattern.</summary>
/// <param name="pattern">What to look for.</param>
/// <param name="behavior">What becomes of the matches.</param>
/// <param name="isInverted">Treats what lies between the matches as the matches.</param>
internal sealed class SplitPreTokenizer(SplitPattern pattern, SplitBehavior behavior, bool isInverted) : PreTokenizer
{
    public override void Split(ReadOnlyMemory<char> piece, bool isTextStart, List<ReadOnlyMemory<char>> output)
    {
        List<(int Start, int End)> matches = [];
        pattern.FindAll(piece.Span, matches);
        Cutter cutter = new(piece, behavior, output);
        int done = 0;
        foreach ((int start, int end) in matches)
        {
            if (start > done)
                cutter.Take(done, start, isInverted);
            cutter.Take(start, end, !isInverted);
            done = end;
        }

        if (done < piece.Length)
            cutter.Take(done, piece.Length, isInverted);
        cutter.Finish();
    }

    // Holds one stretch back, because the next one may have to join it.
    private struct Cutter(ReadOnlyMemory<char> piece, SplitBehavior behavior, List<ReadOnlyMemory<char>> output)
    {
        private int _start;
        private int _end;
        private bool _lastWasMatch;

        public void Take(int start, int end, bool isMatch)
        {
            bool joins = _end > _start && behavior switch
            {
                SplitBehavior.MergedWithPrevious => isMatch && !_lastWasMatch,
                SplitBehavior.MergedWithNext => _lastWasMatch && !isMatch,
                SplitBehavior.Contiguous => isMatch == _lastWasMatch,
                _ => false,
            };
            if (!joins)
            {
                Finish();
                _start = start;
            }

            _end = behavior == SplitBehavior.Removed && isMatch ? _start : end;
            _lastWasMatch = isMatch;
        }

        public readonly void Finish()
        {
            if (_end > _start)
                output.Add(piece[_start.._end]);
        }
    }
}
