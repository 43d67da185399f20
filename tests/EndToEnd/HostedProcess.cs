using System.Diagnostics;
using System.Text;

namespace MegaInfer.EndToEnd;

/// <summary>A process that runs until it is disposed, with what it has said so far.</summary>
internal sealed class HostedProcess : IAsyncDisposable
{
    private static readonly TimeSpan StopBound = TimeSpan.FromSeconds(45);

    private readonly Process _process;
    private readonly StringBuilder _said = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private HostedProcess(Process process) => _process = process;

    /// <summary>Both of its outputs.</summary>
    public string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    public static HostedProcess Start(string fileName, string[] arguments)
    {
        var start = new ProcessStartInfo(fileName, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        var hosted = new HostedProcess(Process.Start(start)!);
        hosted._process.OutputDataReceived += (_, line) => hosted.Hear(line.Data);
        hosted._process.ErrorDataReceived += (_, line) => hosted.Hear(line.Data);
        hosted._process.EnableRaisingEvents = true;
        hosted._process.Exited += (_, _) => hosted._ready.TrySetException(new InvalidOperationException($"{fileName} ended"));
        hosted._process.BeginOutputReadLine();
        hosted._process.BeginErrorReadLine();
        return hosted;
    }

    /// <summary>A server's line that it answers now.</summary>
    public async Task UntilReadyAsync(TimeSpan bound)
    {
        try
        {
            await _ready.Task.WaitAsync(bound);
        }
        catch (Exception error)
        {
            throw new InvalidOperationException($"The server did not become ready ({error.Message}). It said:\n{Said}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            ProcessTable.Signal(_process.Id, "TERM");
            try
            {
                await _process.WaitForExitAsync().WaitAsync(StopBound);
            }
            catch (TimeoutException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        _process.Dispose();
    }

    private void Hear(string? line)
    {
        if (line is null)
            return;
        lock (_said)
            _said.AppendLine(line);
        if (line.StartsWith("ready ", StringComparison.Ordinal))
            _ready.TrySetResult();
    }
}
