using System.ComponentModel;
using System.Diagnostics;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Rivals;

/// <summary>One run of a rival's program: bounded in time, and never outliving its caller's interest.</summary>
internal static class RivalProcess
{
    /// <summary>Everything that one run printed.</summary>
    /// <param name="ExitCode">0: it did what it was asked.</param>
    /// <param name="Output">Standard output.</param>
    /// <param name="Errors">Standard error.</param>
    internal sealed record Result(int ExitCode, string Output, string Errors)
    {
        /// <summary>Output and errors, for programs that do not agree on where results go.</summary>
        public string All => $"{Output}\n{Errors}";
    }

    /// <summary>Runs to the end, whatever the exit code.</summary>
    /// <exception cref="MegaInferException">It cannot be started or does not end in time.</exception>
    public static async Task<Result> RunAsync(string file, IEnumerable<string> arguments, TimeSpan bound, CancellationToken cancel)
    {
        using Process process = Start(file, arguments);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        Task<string> errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancel).WaitAsync(bound, cancel);
        }
        catch (TimeoutException)
        {
            throw new MegaInferException($"{file} did not end within {bound.TotalMinutes:0.#} minutes and was stopped.");
        }
        finally
        {
            Kill(process);
        }

        return new Result(process.ExitCode, await output, await errors);
    }

    /// <summary>As <see cref="RunAsync"/>, where any exit code but 0 is a failure.</summary>
    /// <exception cref="MegaInferException">It cannot be started, does not end in time, or fails: with the last line that it printed.</exception>
    public static async Task<Result> RunToSuccessAsync(string file, IEnumerable<string> arguments, TimeSpan bound, CancellationToken cancel)
    {
        Result result = await RunAsync(file, arguments, bound, cancel);
        return result.ExitCode == 0 ? result : throw new MegaInferException($"{file} ended with status {result.ExitCode}: {LastLine(result.All)}");
    }

    /// <summary>Starts it with all three streams redirected.</summary>
    /// <exception cref="MegaInferException">The file is missing or no program.</exception>
    public static Process Start(string file, IEnumerable<string> arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(file, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Win32Exception failure)
        {
            throw new MegaInferException($"{file} cannot be started: {failure.Message}", failure);
        }
    }

    /// <summary>Ends a process and its descendants; nothing happens if it has ended.</summary>
    public static void Kill(Process process)
    {
        if (process.HasExited)
            return;
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
    }

    private static string LastLine(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "it said nothing";
}
