using System.Diagnostics;

namespace MegaInfer.EndToEnd;

/// <summary>One run of an executable to its end, within a bound.</summary>
internal sealed record CommandRun(int Status, string Output, string Error)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(90);

    public static async Task<CommandRun> RunAsync(string executable, params string[] arguments)
    {
        var start = new ProcessStartInfo(executable, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Bound);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{Path.GetFileName(executable)} {string.Join(' ', arguments)} did not end within {Bound.TotalSeconds} s. It said: {await error}");
        }

        return new CommandRun(process.ExitCode, await output, await error);
    }
}
