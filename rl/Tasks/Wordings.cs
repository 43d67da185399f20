namespace MegaInfer.Rl.Tasks;

/// <summary>How people ask for arithmetic: a frame around an expression, or a sentence of its own.</summary>
public static class Wordings
{
    // {e} is an expression such as "348 + 275" or "348 plus 275".
    private static readonly string[] Frames =
    [
        "What is {e}?", "What is {e}?", "What is {e}?", "What's {e}?", "what is {e}", "{e}", "{e}", "{e} =", "{e} = ?", "{e}?", "How much is {e}?",
        "Calculate {e}.", "Calculate {e}", "Compute {e}.", "Compute {e}", "Please calculate {e}.", "Can you calculate {e}?", "Can you compute {e}?",
        "Solve {e}.", "Solve: {e}", "Evaluate {e}.", "Evaluate: {e}", "Tell me {e}.", "Tell me what {e} is.", "What does {e} equal?", "What does {e} make?",
        "What do you get for {e}?", "What is the result of {e}?", "Give me the result of {e}.", "Work out {e}.", "Find {e}.", "Can you tell me {e}?",
        "Could you work out {e}?", "Do you know {e}?", "I want to know {e}.", "I need {e}.", "Now {e}", "And {e}?", "And what is {e}?", "Now what is {e}?",
        "Next: {e}", "What about {e}?", "How about {e}?", "Try {e}.", "Quick: {e}", "Please help me with {e}.", "What would {e} be?", "{e}, please.",
    ];

    private static readonly string[] Sums =
    [
        "What is the sum of {a} and {b}?", "Find the sum of {a} and {b}.", "Sum of {a} and {b}", "Add {a} and {b}.", "Add {a} to {b}.", "Add {a} and {b}",
        "Please add {a} and {b}.", "Can you add {a} and {b}?", "Can you add {a} to {b}?", "What do you get if you add {a} and {b}?",
        "What is the total of {a} and {b}?", "If I add {a} to {b}, what do I get?", "I have {a} apples and get {b} more. How many do I have now?",
        "How much are {a} and {b} together?", "{a} added to {b}", "What is {a} added to {b}?", "Sum {a} and {b}.", "Compute the sum of {a} and {b}.",
        "Calculate the sum of {a} and {b}.", "There are {a} red balls and {b} blue balls. How many balls are there?", "Give me the sum of {a} and {b}.",
        "What is {a} and {b} added together?", "Increase {a} by {b}.", "What is {b} more than {a}?",
    ];

    private static readonly string[] Differences =
    [
        "Subtract {b} from {a}.", "Subtract {b} from {a}", "Please subtract {b} from {a}.", "Can you subtract {b} from {a}?", "Take {b} away from {a}.",
        "Take {b} from {a}.", "What do you get if you subtract {b} from {a}?", "What is {a} take away {b}?", "{a} take away {b}", "What is {a} less {b}?",
        "If I subtract {b} from {a}, what do I get?", "What remains if I take {b} from {a}?", "Decrease {a} by {b}.", "What is {b} less than {a}?",
        "What is {b} subtracted from {a}?", "{b} subtracted from {a}", "Reduce {a} by {b}.",
    ];

    // These make sense only where nothing negative comes out.
    private static readonly string[] PositiveDifferences =
    [
        "What is the difference between {a} and {b}?", "Find the difference of {a} and {b}.", "Difference between {a} and {b}",
        "What is the difference of {a} and {b}?", "I have {a} apples and give away {b}. How many are left?",
        "There were {a} birds and {b} flew away. How many are left?", "How much more is {a} than {b}?", "How many are left if I take {b} from {a}?",
    ];

    private static readonly string[] Products =
    [
        "Multiply {a} by {b}.", "Multiply {a} and {b}.", "Multiply {a} with {b}.", "Multiply {a} by {b}", "Please multiply {a} by {b}.",
        "Can you multiply {a} by {b}?", "Can you multiply {a} and {b}?", "What is the product of {a} and {b}?", "Find the product of {a} and {b}.",
        "Product of {a} and {b}", "Compute the product of {a} and {b}.", "What do you get if you multiply {a} by {b}?",
        "If I multiply {a} by {b}, what do I get?", "Calculate the product of {a} and {b}.", "What is {a} multiplied by {b}?", "{a} multiplied by {b}",
        "Give me the product of {a} and {b}.", "There are {a} boxes with {b} balls each. How many balls are there?",
    ];

    private static readonly string[] Plus = [" + ", " + ", " + ", "+", "+", " plus ", " plus "];
    private static readonly string[] Minus = [" - ", " - ", " - ", "-", "-", " minus ", " minus ", " \u2212 "];
    private static readonly string[] Times = [" * ", " * ", "*", "*", " x ", " x ", "x", " × ", " × ", "×", " times ", " times "];

    private static readonly string[] Greetings = ["Hi, ", "Hello, ", "Hey, ", "Hi! ", "Hello! ", "Please, ", "OK, ", "Okay, ", "So, ", "Well, "];
    private static readonly string[] Closings = [" Thanks.", " Thank you!", " Please.", " Show your steps."];

    /// <summary>A question for a two-operand problem; <paramref name="operation"/> is one of + - *.</summary>
    public static string AskPair(char operation, int a, int b, SeededRandom random)
    {
        string wording;
        if (random.Chance(0.68))
        {
            wording = random.Pick(Frames).Replace("{e}", "{a}" + Spell(operation, random) + "{b}", StringComparison.Ordinal);
        }
        else
        {
            wording = operation switch
            {
                '+' => random.Pick(Sums),
                '*' => random.Pick(Products),
                _ => a >= b && random.Chance(0.3) ? random.Pick(PositiveDifferences) : random.Pick(Differences),
            };
        }
        return Fill(Vary(wording, random), a, b);
    }

    /// <summary>A question for a + b + c or a + b - c.</summary>
    public static string AskThree(int a, int b, char last, int c, SeededRandom random)
    {
        string plus = random.Chance(0.6) ? " + " : random.Chance(0.5) ? "+" : " plus ";
        string end = plus.Replace("+", last.ToString(), StringComparison.Ordinal);
        if (plus == " plus " && last == '-')
            end = " minus ";
        string expression = "{a}" + plus + "{b}" + end + c;
        string wording = last == '+' && random.Chance(0.15)
            ? random.Pick<string>(["What is the sum of {a}, {b} and " + c + "?", "Add {a}, {b} and " + c + "."])
            : random.Pick(Frames).Replace("{e}", expression, StringComparison.Ordinal);
        return Fill(Vary(wording, random), a, b);
    }

    /// <summary>Small changes that do not change what is asked: a greeting before it, a word of thanks after it, case, a missing mark.</summary>
    public static string Vary(string wording, SeededRandom random)
    {
        double draw = random.NextUnit();
        if (draw < 0.06)
            return random.Pick(Greetings) + LowerFirst(wording);
        if (draw < 0.10 && (wording[^1] is '?' or '.'))
            return wording + random.Pick(Closings);
        if (draw < 0.16)
            return LowerFirst(wording);
        if (draw < 0.20)
            return wording.TrimEnd('?', '.');
        return wording;
    }

    /// <summary>The wording with a small first letter.</summary>
    public static string LowerFirst(string wording) =>
        wording.StartsWith("I ", StringComparison.Ordinal) ? wording : char.ToLowerInvariant(wording[0]) + wording[1..];

    private static string Fill(string wording, int a, int b) =>
        wording.Replace("{a}", a.ToString(), StringComparison.Ordinal).Replace("{b}", b.ToString(), StringComparison.Ordinal);

    private static string Spell(char operation, SeededRandom random)
    {
        return random.Pick(operation switch { '+' => Plus, '-' => Minus, _ => Times });
    }
}
