using System.CommandLine;

namespace MegaInfer.Server.Commands;

/// <summary>What is wrong with a command line, in one sentence that names it and, where there is one, the flag that was probably meant.</summary>
internal static class ParseProblem
{
    // Two typing mistakes, or one swap.
    private const int LargestDistance = 3;

    public static string Describe(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string name = command is RootCommand ? "megainfer" : command.Name;
        if (parsed.UnmatchedTokens.FirstOrDefault(token => token.StartsWith('-')) is { } flag)
            return $"{name} has no flag {flag}; {Suggest(flag, command.Options.Where(option => !option.Hidden).Select(option => option.Name), name)}";
        if (command.Subcommands.Count > 0 && parsed.UnmatchedTokens.Count > 0)
            return $"There is no command {parsed.UnmatchedTokens[0]}; {Suggest(parsed.UnmatchedTokens[0], command.Subcommands.Select(sub => sub.Name), name)}";
        // Without the name of a type, which is the parser's business.
        string message = parsed.Errors[0].Message.Split(" as expected type")[0].TrimEnd('.');
        return $"{name}: {message}; see {name} --help.";
    }

    private static string Suggest(string given, IEnumerable<string> known, string name)
    {
        string text = given.Split('=')[0];
        (string Name, int Distance) closest = known.Select(candidate => (candidate, Distance(text, candidate))).DefaultIfEmpty(("", int.MaxValue)).MinBy(pair => pair.Item2);
        return closest.Distance <= LargestDistance ? $"did you mean {closest.Name}?" : $"see {name} --help.";
    }

    /// <summary>Edits that turn one text into the other.</summary>
    internal static int Distance(string from, string to)
    {
        int[] previous = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int[] current = new int[to.Length + 1];
            current[0] = i;
            for (int j = 1; j <= to.Length; j++)
                current[j] = Math.Min(Math.Min(current[j - 1], previous[j]) + 1, previous[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1));
            previous = current;
        }

        return previous[to.Length];
    }
}
