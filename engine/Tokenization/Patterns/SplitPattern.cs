using System.Buffers;

namespace MegaInfer.Engine.Tokenization.Patterns;

/// <summary>
/// A compiled split pattern over code points, with Oniguruma's leftmost-first meaning. .NET's own Regex works on UTF-16
/// units, for which letters beyond U+FFFF are not letters, so it would cut such text differently than the tokenizer's
/// authors did. Immutable; any thread may match.
/// </summary>
internal sealed class SplitPattern
{
    private const int StackLimit = 1 << 22;
    private const long FixedBudget = 1 << 20;
    private const long BudgetPerChar = 500;

    private readonly PatternInstruction[] _code;

    public SplitPattern(string pattern) => _code = PatternCompiler.Compile(PatternParser.Parse(pattern));

    /// <summary>Finds all non-empty matches, left to right, as [start, end) pairs in UTF-16 units appended to the list.</summary>
    /// <exception cref="TokenizerException">The pattern needs unreasonably many steps for this text.</exception>
    public void FindAll(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        Matcher matcher = new(_code, text);
        try
        {
            int at = 0;
            while (at < text.Length)
            {
                int end = matcher.Match(0, at);
                if (end > at)
                {
                    matches.Add((at, end));
                    at = end;
                }
                else
                {
                    at += CodePointLength(text, at);
                }
            }
        }
        finally
        {
            matcher.Dispose();
        }
    }

    private static int CodePointLength(ReadOnlySpan<char> text, int at) =>
        char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) ? 2 : 1;

    private ref struct Matcher
    {
        private readonly PatternInstruction[] _code;
        private readonly ReadOnlySpan<char> _text;

        // Choices to come back to, three numbers each: instruction, position, and for a run the position it cannot shrink
        // below (-1 for a plain fork).
        private int[] _stack;
        private int _depth;
        private long _budget;

        public Matcher(PatternInstruction[] code, ReadOnlySpan<char> text)
        {
            _code = code;
            _text = text;
            _stack = ArrayPool<int>.Shared.Rent(256);
            _budget = FixedBudget + BudgetPerChar * text.Length;
        }

        public readonly void Dispose() => ArrayPool<int>.Shared.Return(_stack);

        /// <summary>The end of the match of the instructions from pc on at this position, or -1.</summary>
        public int Match(int pc, int at)
        {
            int floor = _depth;
            while (true)
            {
                if (--_budget < 0)
                    throw new TokenizerException("The tokenizer's split pattern takes too many steps on this text; the pattern is not usable.");
                if (_code[pc].Op == PatternOp.Accept)
                {
                    _depth = floor;
                    return at;
                }

                if (!Step(ref pc, ref at) && !Backtrack(floor, ref pc, ref at))
                    return -1;
            }
        }

        private bool Step(ref int pc, ref int at)
        {
            PatternInstruction instruction = _code[pc];
            int next = pc + 1;
            switch (instruction.Op)
            {
                case PatternOp.One:
                    if (at >= _text.Length || !instruction.Class!.Contains(CodePointAt(at, out int length)))
                        return false;
                    at += length;
                    break;
                case PatternOp.Run or PatternOp.PossessiveRun:
                    if (!Run(instruction, next, ref at))
                        return false;
                    break;
                case PatternOp.Fork:
                    Push(instruction.Target, at, -1);
                    break;
                case PatternOp.LazyFork:
                    Push(next, at, -1);
                    next = instruction.Target;
                    break;
                case PatternOp.Jump:
                    next = instruction.Target;
                    break;
                case PatternOp.Ahead or PatternOp.NotAhead:
                    if (Match(next, at) >= 0 != (instruction.Op == PatternOp.Ahead))
                        return false;
                    next = instruction.Target;
                    break;
                case PatternOp.Atomic:
                    int end = Match(next, at);
                    if (end < 0)
                        return false;
                    (at, next) = (end, instruction.Target);
                    break;
                case PatternOp.Behind or PatternOp.NotBehind:
                    if ((at > 0 && instruction.Class!.Contains(CodePointBefore(at, out _))) != (instruction.Op == PatternOp.Behind))
                        return false;
                    break;
                case PatternOp.TextStart:
                    if (at != 0)
                        return false;
                    break;
                case PatternOp.TextEnd:
                    if (at != _text.Length)
                        return false;
                    break;
                case PatternOp.LineStart:
                    if (at != 0 && _text[at - 1] != '\n')
                        return false;
                    break;
                default:
                    if (at != _text.Length && _text[at] != '\n')
                        return false;
                    break;
            }

            pc = next;
            return true;
        }

        private bool Run(in PatternInstruction instruction, int next, ref int at)
        {
            int count = 0;
            int position = at;
            int least = instruction.Min == 0 ? at : -1;
            CharClass set = instruction.Class!;
            while (count < instruction.Max && position < _text.Length)
            {
                int codePoint = CodePointAt(position, out int length);
                if (!set.Contains(codePoint))
                    break;
                position += length;
                if (++count == instruction.Min)
                    least = position;
            }

            _budget -= count;
            if (least < 0)
                return false;
            if (instruction.Op == PatternOp.Run && position > least)
                Push(next, position, least);
            at = position;
            return true;
        }

        private bool Backtrack(int floor, ref int pc, ref int at)
        {
            if (_depth == floor)
                return false;
            int top = (_depth - 1) * 3;
            pc = _stack[top];
            at = _stack[top + 1];
            int least = _stack[top + 2];
            if (least >= 0)
            {
                CodePointBefore(at, out int length);
                at -= length;
                _stack[top + 1] = at;
                if (at > least)
                    return true;
            }

            _depth--;
            return true;
        }

        private void Push(int pc, int at, int least)
        {
            int top = _depth * 3;
            if (top + 3 > _stack.Length)
                Grow();
            _stack[top] = pc;
            _stack[top + 1] = at;
            _stack[top + 2] = least;
            _depth++;
        }

        private void Grow()
        {
            if (_stack.Length >= StackLimit)
                throw new TokenizerException("The tokenizer's split pattern nests too deeply on this text; the pattern is not usable.");
            int[] larger = ArrayPool<int>.Shared.Rent(_stack.Length * 2);
            _stack.CopyTo(larger, 0);
            ArrayPool<int>.Shared.Return(_stack);
            _stack = larger;
        }

        private readonly int CodePointAt(int at, out int length)
        {
            char c = _text[at];
            if (char.IsHighSurrogate(c) && at + 1 < _text.Length && char.IsLowSurrogate(_text[at + 1]))
            {
                length = 2;
                return char.ConvertToUtf32(c, _text[at + 1]);
            }

            length = 1;
            return c;
        }

        private readonly int CodePointBefore(int at, out int length)
        {
            char c = _text[at - 1];
            if (char.IsLowSurrogate(c) && at > 1 && char.IsHighSurrogate(_text[at - 2]))
            {
                length = 2;
                return char.ConvertToUtf32(_text[at - 2], c);
            }

            length = 1;
            return c;
        }
    }
}
