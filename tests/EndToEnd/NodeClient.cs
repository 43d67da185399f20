using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace MegaInfer.EndToEnd;

/// <summary>Runs the JavaScript clients in Clients/ and returns what they print. Installs their packages on first use.</summary>
internal static class NodeClient
{
    private static readonly SemaphoreSlim Installing = new(1);

    public static async Task<JsonElement> RunAsync(string script, params string[] arguments)
    {
        await InstallAsync();
        (int status, string output, string error) = await ExecuteAsync("node", [script, .. arguments], TimeSpan.FromSeconds(120));
        Assert.True(status == 0, $"node {script} ended with status {status}: {error}");
        return JsonDocument.Parse(output).RootElement;
    }

    private static async Task InstallAsync()
    {
        Assert.SkipUnless(IsOnPath("node") && IsOnPath("npm"), "Node.js and npm are not installed, so the JavaScript clients cannot run.");
        await Installing.WaitAsync();
        try
        {
            string marker = Path.Combine(Repository.Clients, "node_modules", ".package-lock.json");
            if (File.Exists(marker) && File.GetLastWriteTimeUtc(marker) >= File.GetLastWriteTimeUtc(Path.Combine(Repository.Clients, "package-lock.json")))
                return;
            (int status, _, string error) = await ExecuteAsync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], TimeSpan.FromMinutes(4));
            Assert.SkipUnless(status == 0, $"The JavaScript clients' packages could not be installed (npm ci): {error.Trim()}");
        }
        finally
        {
            Installing.Release();
        }
    }

    private static bool IsOnPath(string command) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(folder => File.Exists(Path.Combine(folder, command)));

    private static async Task<(int Status, string Output, string Error)> ExecuteAsync(string command, string[] arguments, TimeSpan bound)
    {
        var start = new ProcessStartInfo(command, arguments)
        {
            WorkingDirectory = Repository.Clients,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(bound);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, await output, await error);
    }
}
