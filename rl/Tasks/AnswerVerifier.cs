using System.Text.RegularExpressions;

namespace MegaInfer.Rl.Tasks;

/// <summary>Checks a reply against the truth: the reward of the verifiable tasks. Stateless and thread safe.</summary>
public static partial class AnswerVerifier
{
    /// <summary>1 for a reply whose last line is <c>Answer: </c> and the expected text, else 0.</summary>
    public static double Reward(Problem problem, string reply) => IsExact(problem, reply) ? 1 : 0;

    /// <summary>Whether the reply ends with the expected answer; surrounding white space is ignored, anything after it is not.</summary>
    public static bool IsExact(Problem problem, string reply) => Extract(reply) == problem.Answer;

    /// <summary>The text of the final <c>Answer: ...</c> line, or null if the reply does not end with one.</summary>
    public static string? Extract(string reply)
    {
        Match match = AnswerLine().Match(reply);
        return match.Success ? match.Groups[1].Value : null;
    }

    [GeneratedRegex(@"(?:^|\n)Answer: ([^\n]*?)\s*\z")]
    private static partial Regex AnswerLine();
}
