using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MegaInfer.Engine;

namespace MegaInfer.Bench.Rivals;

/// <summary>A llama-server that this process started and that ends with this object.</summary>
internal sealed class RivalServer : IAsyncDisposable
{
    private const int KeptLines = 20;

    private static readonly TimeSpan StartBound = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AnswerBound = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Process _process;
    private readonly Queue<string> _lastLines = [];

    private RivalServer(Process process, Uri baseUrl)
    {
        _process = process;
        BaseUrl = baseUrl;
        // Pipes that nobody empties would stop it.
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Such as <c>http://127.0.0.1:40001/</c>.</summary>
    public Uri BaseUrl { get; }

    public int ProcessId => _process.Id;

    /// <summary>Starts a program that takes <c>--host</c> and <c>--port</c> and waits until it answers <c>/health</c>.</summary>
    /// <exception cref="MegaInferException">It ended, or was not healthy in time; with the last line that it printed.</exception>
    internal static async Task<RivalServer> StartAsync(string file, IEnumerable<string> arguments, CancellationToken cancel)
    {
        int port = FreePort();
        Process process = RivalProcess.Start(file, [.. arguments, "--host", "127.0.0.1", "--port", $"{port}"]);
        var server = new RivalServer(process, new Uri($"http://127.0.0.1:{port}/"));
        try
        {
            await server.WaitUntilHealthyAsync(file, cancel);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        RivalProcess.Kill(_process);
        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task WaitUntilHealthyAsync(string file, CancellationToken cancel)
    {
        using var client = new HttpClient { BaseAddress = BaseUrl, Timeout = AnswerBound };
        long started = Stopwatch.GetTimestamp();
        while (!await IsHealthyAsync(client, cancel))
        {
            if (_process.HasExited)
                throw new MegaInferException($"{file} ended with status {_process.ExitCode} while it started: {LastLine()}");
            if (Stopwatch.GetElapsedTime(started) > StartBound)
                throw new MegaInferException($"{file} was not healthy within {StartBound.TotalMinutes:0} minutes: {LastLine()}");
            await Task.Delay(Pause, TimeProvider.System, cancel);
        }
    }

    private static async Task<bool> IsHealthyAsync(HttpClient client, CancellationToken cancel)
    {
        try
        {
            using HttpResponseMessage answer = await client.GetAsync("health", cancel);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception failure) when (failure is HttpRequestException || (failure is TaskCanceledException && !cancel.IsCancellationRequested))
        {
            return false; // it does not listen yet
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Keep(string? line)
    {
        if (string.IsNullOrWhiteSpace(line))
            return;
        lock (_lastLines)
        {
            _lastLines.Enqueue(line);
            if (_lastLines.Count > KeptLines)
                _lastLines.Dequeue();
        }
    }

    private string LastLine()
    {
        lock (_lastLines)
            return _lastLines.LastOrDefault() ?? "it said nothing";
    }
}
