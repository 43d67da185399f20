using System.CommandLine;
using System.Runtime.InteropServices;
using MegaInfer.Engine;

namespace MegaInfer.Node;

/// <summary>
/// A node's process: command line, signals, the watch on its starter, and its membership. A role's Program.cs is one call of this.
/// </summary>
public static class NodeProgram
{
    /// <summary>Runs a node until it has left; the result is the exit code. A failure is one sentence on stderr.</summary>
    /// <param name="args">The process' command line.</param>
    /// <param name="description">For <c>--help</c>.</param>
    /// <param name="createNode">Makes the role's work; it must not load anything yet.</param>
    public static async Task<int> RunAsync(string[] args, string description, Func<NodeOptions, INode> createNode)
    {
        var commandLine = new NodeCommandLine(description, options => RunNodeAsync(options, createNode));
        try
        {
            ParseResult parsed = commandLine.Command.Parse(args);
            if (CommandLineProblem.Describe(parsed, Path.GetFileNameWithoutExtension(Environment.ProcessPath) ?? "node") is { } problem)
                throw new MegaInferException(problem);
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(configuration);
        }
        catch (MegaInferException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return ExitCode.Failed;
        }
    }

    private static async Task<int> RunNodeAsync(NodeOptions options, Func<NodeOptions, INode> createNode)
    {
        using var drain = new CancellationTokenSource();
        using var stop = new CancellationTokenSource();
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => OnSignal(context, drain, stop));
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            // Ctrl-C reaches a child at the same time as its server, which then says what is to be done.
            if (options.IsChild)
                context.Cancel = true;
            else
                OnSignal(context, drain, stop);
        });
        if (options.ExitsOnStdinEof)
            StdinWatch.Start(stop.Cancel);
        using INode node = createNode(options);
        return await new NodeMembership(options, node, TimeProvider.System, Console.Error).RunAsync(drain.Token, stop.Token);
    }

    // The first signal drains, the second ends at once.
    private static void OnSignal(PosixSignalContext context, CancellationTokenSource drain, CancellationTokenSource stop)
    {
        context.Cancel = true;
        try
        {
            if (drain.IsCancellationRequested)
                stop.Cancel();
            else
                drain.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It came while the node was already leaving: ending a registration does not wait for a handler that runs.
        }
    }
}
