namespace MegaInfer.Rl.Tasks;

/// <summary>Sorting a short list, and the largest or smallest of one.</summary>
public static class ListProblems
{
    private static readonly string[] Ascending =
    [
        "Sort {l}.", "Sort {l}", "Sort the numbers {l}.", "Sort these numbers: {l}", "Sort this list: {l}", "Sort the list {l}.",
        "Sort {l} in ascending order.", "Sort the numbers {l} in ascending order.", "Sort {l} from smallest to largest.", "Sort {l} from small to large.",
        "Put {l} in order.", "Put the numbers {l} in ascending order.", "Put these numbers in order: {l}", "Order these numbers: {l}",
        "Order {l} from lowest to highest.", "Arrange {l} in increasing order.", "Arrange the numbers {l} from smallest to largest.",
        "Can you sort {l}?", "Can you sort these numbers: {l}?", "Please sort {l}.", "Please put {l} in order.", "Rank {l} from lowest to highest.",
        "What is {l} in ascending order?", "What is {l} sorted?", "I need {l} sorted.", "Could you sort the list {l}?",
    ];

    private static readonly string[] Descending =
    [
        "Sort {l} in descending order.", "Sort the numbers {l} in descending order.", "Sort these numbers in descending order: {l}",
        "Sort {l} from largest to smallest.", "Sort {l} from large to small.", "Put {l} in descending order.", "Order {l} from highest to lowest.",
        "Arrange {l} in decreasing order.", "Arrange the numbers {l} from largest to smallest.", "Can you sort {l} in descending order?",
        "Please sort {l} in reverse order.", "Sort {l} backwards.", "What is {l} in descending order?", "Rank {l} from highest to lowest.",
    ];

    private static readonly string[] Largest =
    [
        "What is the largest of {l}?", "What is the largest number in {l}?", "Which is the largest: {l}?", "Which number is the biggest: {l}?",
        "What is the maximum of {l}?", "Find the maximum of {l}.", "Find the largest of {l}.", "max of {l}", "Max {l}", "What is the biggest of {l}?",
        "Which of {l} is the largest?", "Which of these is the greatest: {l}?", "What is the highest number in {l}?", "Tell me the largest of {l}.",
        "Give me the maximum of {l}.", "Pick the biggest number: {l}", "What is the greatest of {l}?", "Which number is largest: {l}?",
    ];

    private static readonly string[] Smallest =
    [
        "What is the smallest of {l}?", "What is the smallest number in {l}?", "Which is the smallest: {l}?", "Which number is the lowest: {l}?",
        "What is the minimum of {l}?", "Find the minimum of {l}.", "Find the smallest of {l}.", "min of {l}", "Min {l}", "What is the lowest of {l}?",
        "Which of {l} is the smallest?", "Which of these is the least: {l}?", "What is the lowest number in {l}?", "Tell me the smallest of {l}.",
        "Give me the minimum of {l}.", "Pick the smallest number: {l}", "What is the least of {l}?", "Which number is smallest: {l}?",
    ];

    /// <summary>Draws a list of 3 to 5 different numbers of up to 2 digits and a question about it.</summary>
    public static Problem Draw(ProblemClass problemClass, SeededRandom random)
    {
        List<int> numbers = [];
        int count = random.Between(3, 5);
        while (numbers.Count < count)
        {
            int number = random.Chance(0.25) ? random.Between(0, 9) : random.Between(10, 99);
            if (!numbers.Contains(number))
                numbers.Add(number);
        }
        bool up = random.Chance(problemClass == ProblemClass.Sorting ? 0.65 : 0.5);
        List<int> sorted = [.. up ? numbers.Order() : numbers.OrderDescending()];
        string solution = problemClass == ProblemClass.Sorting
            ? $"{Align(numbers)}\n{Align(sorted)}\nAnswer: {string.Join(", ", sorted)}"
            : $"{Align(numbers)}\nAnswer: {sorted[^1]}";
        string[] wordings = problemClass == ProblemClass.Sorting ? (up ? Ascending : Descending) : (up ? Largest : Smallest);
        string question = Wordings.Vary(random.Pick(wordings), random).Replace("{l}", Spell(numbers, random), StringComparison.Ordinal);
        return new Problem(problemClass, question, solution, Split.OfList(numbers));
    }

    // Numbers of one width are easier to compare digit by digit.
    private static string Align(List<int> numbers) => string.Join(' ', numbers.Select(number => number.ToString("00")));

    private static string Spell(List<int> numbers, SeededRandom random) => random.Between(0, 9) switch
    {
        0 => string.Join(' ', numbers),
        1 => string.Join(',', numbers),
        2 or 3 => string.Join(", ", numbers.Take(numbers.Count - 1)) + " and " + numbers[^1],
        4 => "[" + string.Join(", ", numbers) + "]",
        _ => string.Join(", ", numbers),
    };
}
