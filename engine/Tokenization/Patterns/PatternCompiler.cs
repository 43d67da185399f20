namespace MegaInfer.Engine.Tokenization.Patterns;

/// <summary>Turns a pattern tree into the flat instructions that <see cref="SplitPattern"/> runs.</summary>
internal sealed class PatternCompiler
{
    private const int MaxInstructions = 20_000;

    private readonly List<PatternInstruction> _code = [];
    private int _visits;

    private PatternCompiler()
    {
    }

    public static PatternInstruction[] Compile(PatternNode node)
    {
        PatternCompiler compiler = new();
        compiler.Emit(node);
        compiler.Add(new(PatternOp.Accept));
        return [.. compiler._code];
    }

    private void Emit(PatternNode node)
    {
        // A group that is empty makes no instruction, however often it is repeated.
        if (++_visits > MaxInstructions)
            throw TooLarge();
        switch (node)
        {
            case PatternNode.One one:
                Add(new(PatternOp.One, Class: one.Class));
                break;
            case PatternNode.Sequence sequence:
                foreach (PatternNode item in sequence.Items)
                    Emit(item);
                break;
            case PatternNode.Choice choice:
                EmitChoice(choice);
                break;
            case PatternNode.Repeat repeat:
                EmitRepeat(repeat);
                break;
            case PatternNode.LookAhead look:
                EmitSub(look.Negated ? PatternOp.NotAhead : PatternOp.Ahead, look.Body);
                break;
            case PatternNode.Atomic atomic:
                EmitSub(PatternOp.Atomic, atomic.Body);
                break;
            case PatternNode.LookBehind behind:
                Add(new(behind.Negated ? PatternOp.NotBehind : PatternOp.Behind, Class: behind.Class));
                break;
            case PatternNode.TextStart:
                Add(new(PatternOp.TextStart));
                break;
            case PatternNode.TextEnd:
                Add(new(PatternOp.TextEnd));
                break;
            case PatternNode.LineStart:
                Add(new(PatternOp.LineStart));
                break;
            default:
                Add(new(PatternOp.LineEnd));
                break;
        }
    }

    private void EmitChoice(PatternNode.Choice choice)
    {
        List<int> exits = [];
        for (int i = 0; i < choice.Branches.Count; i++)
        {
            bool last = i == choice.Branches.Count - 1;
            int fork = last ? -1 : Add(new(PatternOp.Fork));
            Emit(choice.Branches[i]);
            if (last)
                break;
            exits.Add(Add(new(PatternOp.Jump)));
            // Goes on with this branch; the next one is tried when it fails.
            _code[fork] = new(PatternOp.Fork, Target: _code.Count);
        }

        foreach (int exit in exits)
            _code[exit] = new(PatternOp.Jump, Target: _code.Count);
    }

    private void EmitRepeat(PatternNode.Repeat repeat)
    {
        if (repeat.Mode != RepeatMode.Lazy && SingleClass(repeat.Body) is CharClass set)
        {
            PatternOp op = repeat.Mode == RepeatMode.Greedy ? PatternOp.Run : PatternOp.PossessiveRun;
            Add(new(op, Min: repeat.Min, Max: repeat.Max, Class: set));
            return;
        }

        if (repeat.Mode == RepeatMode.Possessive)
        {
            EmitSub(PatternOp.Atomic, repeat with { Mode = RepeatMode.Greedy });
            return;
        }

        for (int i = 0; i < repeat.Min; i++)
            Emit(repeat.Body);
        PatternOp fork = repeat.Mode == RepeatMode.Lazy ? PatternOp.LazyFork : PatternOp.Fork;
        if (repeat.Max == int.MaxValue)
        {
            int loop = Add(new(fork));
            Emit(repeat.Body);
            Add(new(PatternOp.Jump, Target: loop));
            _code[loop] = new(fork, Target: _code.Count);
            return;
        }

        List<int> forks = [];
        for (int i = repeat.Min; i < repeat.Max; i++)
        {
            forks.Add(Add(new(fork)));
            Emit(repeat.Body);
        }

        foreach (int index in forks)
            _code[index] = new(fork, Target: _code.Count);
    }

    // A part that is matched on its own: its instructions end in Accept, and Target is where the outer part goes on.
    private void EmitSub(PatternOp op, PatternNode body)
    {
        int start = Add(new(op));
        Emit(body);
        Add(new(PatternOp.Accept));
        _code[start] = new(op, Target: _code.Count);
    }

    private static CharClass? SingleClass(PatternNode node) => node switch
    {
        PatternNode.One one => one.Class,
        PatternNode.Sequence { Items: [PatternNode inner] } => SingleClass(inner),
        _ => null,
    };

    private int Add(PatternInstruction instruction)
    {
        if (_code.Count >= MaxInstructions)
            throw TooLarge();
        _code.Add(instruction);
        return _code.Count - 1;
    }

    private static FormatException TooLarge() => new("a split pattern of this size is not supported");
}
