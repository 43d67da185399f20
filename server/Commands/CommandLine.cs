using System.CommandLine;
using System.CommandLine.Help;
using MegaInfer.Engine;

namespace MegaInfer.Server.Commands;

/// <summary>Parses, runs and reports: whatever a user can mend is one sentence on standard error and status 1.</summary>
internal static class CommandLine
{
    private const int Failed = 1;

    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter errors, params ICommand[] commands)
    {
        var terminal = new Terminal(output, errors);
        var root = new RootCommand("MegaInfer: a disaggregated Mixture-of-Experts inference server.");
        foreach (ICommand command in commands)
            root.Subcommands.Add(command.Create(terminal));
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpAction)
        {
            await errors.WriteLineAsync(ParseProblem.Describe(parsed));
            return Failed;
        }

        try
        {
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = output, Error = errors };
            return await parsed.InvokeAsync(configuration);
        }
        catch (MegaInferException error)
        {
            await errors.WriteLineAsync(error.Message);
            return Failed;
        }
        catch (OperationCanceledException)
        {
            await errors.WriteLineAsync("Stopped before it was finished.");
            return Failed;
        }
    }
}
