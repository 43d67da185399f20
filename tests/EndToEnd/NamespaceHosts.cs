using System.Diagnostics;
using Xunit;

namespace MegaInfer.EndToEnd;

/// <summary>
/// Hosts that are network namespaces of this machine, joined by veth; host i (from 1) has the address 192.0.2.i on its eth0. They are gone when this is
/// disposed, and when the test's process ends in any other way.
/// </summary>
internal sealed class NamespaceHosts : IAsyncDisposable
{
    private const int Skipped = 77;
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly Process _script;
    private readonly string[] _names;

    private NamespaceHosts(Process script, string[] names)
    {
        _script = script;
        _names = names;
    }

    /// <summary>Skips the test, with the reason, where namespaces are not permitted.</summary>
    public static async Task<NamespaceHosts> OpenAsync(int count)
    {
        string script = Path.Combine(Repository.Root, "m2n-comm", "conformance", "in-namespaces");
        var start = new ProcessStartInfo(script, [$"{count}", "sh", "-c", "echo $M2N_NAMESPACES; cat"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Process process = Process.Start(start)!;
        // The script ends its hosts when its standard input closes, however this process ends.
        string? line = await process.StandardOutput.ReadLineAsync().WaitAsync(Bound);
        if (line is not null)
            return new NamespaceHosts(process, line.Split(','));
        string reason = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.SkipWhen(process.ExitCode == Skipped, reason.Trim());
        throw new InvalidOperationException($"in-namespaces failed: {reason}");
    }

    public static string AddressOf(int host) => $"192.0.2.{host}";

    /// <summary>The command line that runs a program on a host.</summary>
    public string[] On(int host, params string[] command) => ["netns", "exec", _names[host - 1], .. command];

    public async ValueTask DisposeAsync()
    {
        _script.StandardInput.Close();
        await _script.WaitForExitAsync().WaitAsync(Bound);
        _script.Dispose();
    }
}
