using System.Diagnostics;

namespace MegaInfer.Server.Cluster;

/// <summary>
/// One run of a child. The server holds the write end of its standard input: when the server dies, however it dies, the kernel closes it and the child exits.
/// Its output is passed on line by line, with its name in front.
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task _output;
    private readonly Task _errors;

    private ChildProcess(Process process, string name, TextWriter log)
    {
        _process = process;
        _output = PassOnAsync(process.StandardOutput, name, log);
        _errors = PassOnAsync(process.StandardError, name, log);
    }

    public int Pid => _process.Id;

    public int ExitCode => _process.ExitCode;

    /// <summary>The last line it wrote: why it ended, where it ended badly.</summary>
    public string LastLine { get; private set; } = "";

    /// <exception cref="Engine.MegaInferException">The system cannot start it.</exception>
    public static ChildProcess Start(ChildSpec spec, TextWriter log)
    {
        var start = new ProcessStartInfo(spec.FileName, spec.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        try
        {
            return new ChildProcess(Process.Start(start)!, spec.Name, log);
        }
        catch (Exception error) when (error is System.ComponentModel.Win32Exception or IOException)
        {
            throw new Engine.MegaInferException($"{spec.Name} cannot be started from {spec.FileName}: {error.Message}.", error);
        }
    }

    /// <summary>Completes when it has ended and everything it wrote was passed on.</summary>
    public async Task WaitAsync()
    {
        await _process.WaitForExitAsync();
        await Task.WhenAll(_output, _errors);
    }

    /// <summary>Closes its standard input, which asks it to end.</summary>
    public void AskToEnd()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It is gone already.
        }
    }

    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It is gone already.
        }
    }

    public void Dispose() => _process.Dispose();

    private async Task PassOnAsync(StreamReader reader, string name, TextWriter log)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.Length == 0)
                continue;
            LastLine = line;
            await log.WriteLineAsync($"[{name}] {line}");
        }
    }
}
