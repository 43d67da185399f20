using System.Text;

namespace MegaInfer.Rl.Tasks;

/// <summary>Draws problems of a class from one part of the split. Stateless: the same random stream gives the same problems.</summary>
public static class ProblemSource
{
    /// <summary>Draws until a problem of <paramref name="part"/> appears; training problems also have only training steps.</summary>
    public static Problem Draw(ProblemClass problemClass, SplitPart part, SeededRandom random)
    {
        while (true)
        {
            Problem problem = DrawAny(problemClass, random);
            if (problem.Part == part && (part != SplitPart.Training || problem.StepsAreTraining))
                return problem;
        }
    }

    /// <summary>The question and solution of a two-operand problem as the class words it.</summary>
    public static Problem OfPair(ProblemClass problemClass, char operation, int a, int b, string question) =>
        new(problemClass, question, Solve(operation, a, b), Split.OfPair(operation, a, b));

    private static Problem DrawAny(ProblemClass problemClass, SeededRandom random)
    {
        switch (problemClass)
        {
            case ProblemClass.Addition:
                return DrawPair(problemClass, '+', Number(random, 1, 3), Number(random, 1, 3), random);
            case ProblemClass.Subtraction:
                return DrawDifference(problemClass, Number(random, 1, 3), Number(random, 1, 3), random);
            case ProblemClass.Product:
                return DrawProduct(problemClass, random.Chance(0.1) ? random.Between(0, 9) : random.Between(10, 99), random);
            case ProblemClass.WideProduct:
                return DrawProduct(problemClass, random.Between(100, 999), random);
            case ProblemClass.LongAddition:
                return DrawPair(problemClass, '+', random.Between(1000, 9999), random.Between(1000, 9999), random);
            case ProblemClass.LongSubtraction:
                int first = random.Between(1000, 9999);
                int second = random.Between(1000, 9999);
                return DrawPair(problemClass, '-', Math.Max(first, second), Math.Min(first, second), random);
            case ProblemClass.LongProduct:
                return DrawProduct(problemClass, random.Between(1000, 9999), random);
            case ProblemClass.ThreeOperands:
                return DrawThree(random);
            default:
                return ListProblems.Draw(problemClass, random);
        }
    }

    // Most numbers are long: short ones are few and learned quickly.
    private static int Number(SeededRandom random, int fewestDigits, int mostDigits)
    {
        double draw = random.NextUnit();
        int digits = Math.Clamp(draw < 0.1 ? 1 : draw < 0.4 ? 2 : 3, fewestDigits, mostDigits);
        return digits switch { 1 => random.Between(0, 9), 2 => random.Between(10, 99), _ => random.Between(100, 999) };
    }

    private static Problem DrawPair(ProblemClass problemClass, char operation, int a, int b, SeededRandom random) =>
        OfPair(problemClass, operation, a, b, Wordings.AskPair(operation, a, b, random));

    // One fifth are differences of nearby numbers in either order, one in six of the others is left as drawn; the rest is not negative.
    private static Problem DrawDifference(ProblemClass problemClass, int a, int b, SeededRandom random)
    {
        if (random.Chance(0.2))
            return DrawPair(problemClass, '-', a, Math.Clamp(a + random.Between(-60, 60), 0, 999), random);
        return random.Chance(1.0 / 6)
            ? DrawPair(problemClass, '-', a, b, random)
            : DrawPair(problemClass, '-', Math.Max(a, b), Math.Min(a, b), random);
    }

    private static Problem DrawProduct(ProblemClass problemClass, int a, SeededRandom random)
    {
        int digit = random.Chance(0.05) ? random.Between(0, 1) : random.Between(2, 9);
        return random.Chance(0.25) ? DrawPair(problemClass, '*', digit, a, random) : DrawPair(problemClass, '*', a, digit, random);
    }

    private static Problem DrawThree(SeededRandom random)
    {
        int a = Number(random, 2, 3);
        int b = Number(random, 2, 3);
        int c = Number(random, 2, 3);
        char last = random.Chance(0.5) ? '+' : '-';
        if (last == '-' && c > a + b)
            (a, c) = (c, a);
        StringBuilder text = new();
        ColumnArithmetic.WriteSum(text, a, b);
        text.Append(a + b).Append(last).Append(c).Append('\n');
        text.Append(Solve(last, a + b, c));
        // b and c are never computed together, but they stand side by side in the question.
        bool steps = Split.OfPair('+', a, b) == SplitPart.Training && Split.OfPair(last, a + b, c) == SplitPart.Training
            && Split.OfPair(last, b, c) == SplitPart.Training;
        SplitPart part = Split.OfTerms([a, b, last == '+' ? c : -c]);
        return new(ProblemClass.ThreeOperands, Wordings.AskThree(a, b, last, c, random), text.ToString(), part) { StepsAreTraining = steps };
    }

    private static string Solve(char operation, int a, int b)
    {
        StringBuilder text = new();
        int answer;
        switch (operation)
        {
            case '+':
                ColumnArithmetic.WriteSum(text, a, b);
                answer = a + b;
                break;
            case '-':
                // Which number is larger is hard to see at once but comes out of the columns, so a negative result is found, then redone.
                ColumnArithmetic.WriteDifference(text, a, b);
                if (a < b)
                {
                    text.Append("Swap: ").Append(b).Append('-').Append(a).Append('\n');
                    ColumnArithmetic.WriteDifference(text, b, a);
                }
                answer = a - b;
                break;
            default:
                ColumnArithmetic.WriteProduct(text, Math.Max(a, b), Math.Min(a, b));
                answer = a * b;
                break;
        }
        return text.Append("Answer: ").Append(answer).ToString();
    }
}
