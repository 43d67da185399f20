using System.Diagnostics;

namespace MegaInfer.Rl.Evaluation;

/// <summary>A server of our own for the length of an evaluation: a child process on free ports, ended by SIGTERM.</summary>
internal sealed class LocalServer : IAsyncDisposable
{
    private const string ReadyMark = "ready ";
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(30);

    private readonly Process _process;

    private LocalServer(Process process) => _process = process;

    /// <summary>Where it answers.</summary>
    public string Url { get; private set; } = "";

    /// <summary>Starts the server executable beside this one or in its own output folder, and waits until it can answer.</summary>
    /// <exception cref="EvaluationException">It is not built, or did not become ready.</exception>
    public static async Task<LocalServer> StartAsync(string? model, CancellationToken cancellation)
    {
        string executable = Candidates().FirstOrDefault(File.Exists)
            ?? throw new EvaluationException($"megainfer-server is not built (looked at {string.Join(" and ", Candidates())}); build it, or give --url.");
        ProcessStartInfo start = new(executable) { RedirectStandardOutput = true };
        foreach (string argument in new[] { "serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--control", "127.0.0.1:0" })
            start.ArgumentList.Add(argument);
        if (model is not null)
        {
            start.ArgumentList.Add("--model");
            start.ArgumentList.Add(model);
        }
        LocalServer server = new(Process.Start(start)!);
        try
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(StartTimeout);
            await server.WaitUntilReadyAsync(limit.Token);
            return server;
        }
        catch (Exception failure)
        {
            await server.DisposeAsync();
            if (failure is OperationCanceledException && !cancellation.IsCancellationRequested)
                throw new EvaluationException($"{executable} did not become ready within {StartTimeout.TotalMinutes} minutes.");
            throw;
        }
    }

    /// <summary>Asks the server to end and waits; kills it with its children if it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using (Process signal = Process.Start("/bin/sh", ["-c", $"kill -TERM {_process.Id}"]))
                await signal.WaitForExitAsync();
            try
            {
                await _process.WaitForExitAsync().WaitAsync(StopTimeout);
            }
            catch (TimeoutException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }
        _process.Dispose();
    }

    private static string[] Candidates() =>
    [
        Path.Combine(AppContext.BaseDirectory, "megainfer-server"),
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../MegaInfer.Server/release/megainfer-server")),
    ];

    private async Task WaitUntilReadyAsync(CancellationToken cancellation)
    {
        while (await _process.StandardOutput.ReadLineAsync(cancellation) is { } line)
        {
            if (line.StartsWith(ReadyMark, StringComparison.Ordinal))
            {
                Url = line[ReadyMark.Length..].Trim().Split(' ')[0];
                // The server must never block on a full pipe.
                _ = _process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
                return;
            }
        }
        throw new EvaluationException("megainfer-server ended before it was ready; its message is above.");
    }
}
