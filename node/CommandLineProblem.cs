using System.CommandLine;

namespace MegaInfer.Node;

/// <summary>What is wrong with a command line, in one sentence instead of a page of help.</summary>
public static class CommandLineProblem
{
    /// <summary>Null if nothing is wrong.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="program">What the user typed to start the program.</param>
    public static string? Describe(ParseResult parsed, string program)
    {
        if (parsed.Errors.Count == 0)
            return null;
        Command command = parsed.CommandResult.Command;
        string name = command is RootCommand ? program : $"{program} {command.Name}";
        string problem = parsed.UnmatchedTokens.Count > 0
            ? $"'{parsed.UnmatchedTokens[0]}' is not one of its {(parsed.UnmatchedTokens[0].StartsWith('-') ? "options" : "commands or arguments")}"
            : parsed.Errors[0].Message.Split(" as expected type")[0].TrimEnd('.'); // without the name of a type
        return $"{name}: {problem}; see {name} --help.";
    }
}
