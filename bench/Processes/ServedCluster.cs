using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Grpc.Net.Client;
using MegaInfer.Engine;
using MegaInfer.Proto;

namespace MegaInfer.Bench.Processes;

/// <summary>
/// A server with its nodes as a user starts them: <c>megainfer serve</c>, real processes, on ports that the system chooses. Disposing ends them all.
/// </summary>
internal sealed class ServedCluster : IAsyncDisposable
{
    private static readonly TimeSpan StartBound = TimeSpan.FromMinutes(5);
    // More than nodes take from one report to the next.
    private static readonly TimeSpan HeartbeatPause = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan StopBound = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly StringBuilder _log = new();
    private readonly TaskCompletionSource<Uri> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly GrpcChannel _channel;
    private readonly HttpClient _http = new();

    private ServedCluster(Process process, string grpc)
    {
        _process = process;
        _channel = GrpcChannel.ForAddress($"http://{grpc}");
        Inference = new Inference.InferenceClient(_channel);
    }

    /// <summary>Of the server; its nodes are its children.</summary>
    internal int ProcessId => _process.Id;

    internal Uri Http { get; private set; } = null!;

    internal Inference.InferenceClient Inference { get; }

    /// <param name="arguments">Of <c>serve</c>, without the doors' addresses.</param>
    /// <param name="cancel">Ends the server while it starts.</param>
    /// <exception cref="MegaInferException">It did not become ready; what it said is in the message.</exception>
    internal static async Task<ServedCluster> StartAsync(IEnumerable<string> arguments, CancellationToken cancel)
    {
        string grpc = FreeAddress();
        string[] all = ["serve", "--http", "127.0.0.1:0", "--grpc", grpc, "--control", FreeAddress(), .. arguments];
        var start = new ProcessStartInfo(ProgramPath(), all) { RedirectStandardOutput = true, RedirectStandardError = true };
        Process process = Process.Start(start) ?? throw new MegaInferException("The server did not start.");
        var cluster = new ServedCluster(process, grpc);
        cluster.Listen();
        try
        {
            cluster.Http = await cluster._ready.Task.WaitAsync(StartBound, cancel);
            return cluster;
        }
        catch (Exception error) when (error is TimeoutException or InvalidOperationException)
        {
            await cluster.DisposeAsync();
            throw new MegaInferException($"The server did not become ready: {error.Message} It said: {cluster.Said()}", error);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>As <see cref="StartAsync"/>, and waits until no node's weights are being written to disk or moved any more, so that what is measured is not measured beside that.</summary>
    internal static async Task<ServedCluster> StartSettledAsync(IEnumerable<string> arguments, CancellationToken cancel)
    {
        ServedCluster cluster = await StartAsync(arguments, cancel);
        try
        {
            long started = Stopwatch.GetTimestamp();
            do
            {
                if (Stopwatch.GetElapsedTime(started) > StartBound)
                    throw new MegaInferException($"The nodes' weights did not settle within {StartBound.TotalMinutes:0} minutes.");
                await Task.Delay(HeartbeatPause, cancel);
            }
            while ((await cluster.MetricsAsync(cancel)).Sum("megainfer_weights_unsettled_bytes") > 0);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    internal async Task<MetricsPage> MetricsAsync(CancellationToken cancel) =>
        MetricsPage.Parse(await _http.GetStringAsync(new Uri(Http, "/metrics"), cancel));

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        _http.Dispose();
        if (!_process.HasExited)
        {
            // Nothing is worth draining: the nodes end with their server.
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync().WaitAsync(StopBound);
        }

        _process.Dispose();
    }

    /// <summary>The server's program, which is built beside this one.</summary>
    private static string ProgramPath()
    {
        string own = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        string program = Path.Combine(own, "..", "..", "MegaInfer.Server", Path.GetFileName(own), "megainfer-server");
        return File.Exists(program) ? Path.GetFullPath(program) : throw new MegaInferException($"The server is not built: there is no {Path.GetFullPath(program)}. Run ./megainfer build.");
    }

    // Free a moment ago; who takes it meanwhile makes the server say so.
    private static string FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener.LocalEndpoint.ToString()!;
    }

    private void Listen()
    {
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.StartsWith("ready ", StringComparison.Ordinal) == true)
                _ready.TrySetResult(new Uri(line.Data["ready ".Length..].Split(' ')[0]));
        };
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_log)
                _log.AppendLine(line.Data);
        };
        _process.Exited += (_, _) => _ready.TrySetException(new InvalidOperationException($"it exited with status {_process.ExitCode}."));
        _process.EnableRaisingEvents = true;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private string Said()
    {
        lock (_log)
            return _log.ToString().Trim();
    }
}
