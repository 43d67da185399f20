using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace MegaInfer.EndToEnd;

/// <summary>
/// <c>megainfer-server serve</c> as a user starts it: a real process with its node processes, on ports that the system chooses. Disposing sends SIGTERM and
/// waits; whatever is left then is killed and reported.
/// </summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private static readonly TimeSpan StartBound = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan StopBound = TimeSpan.FromSeconds(45);

    private readonly StringBuilder _log = new();
    private readonly TaskCompletionSource<string> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RunningServer(Process process) => Process = process;

    public Process Process { get; }

    /// <summary>Base address of the HTTP door, with a trailing slash.</summary>
    public Uri Http { get; private set; } = null!;

    /// <summary>HOST:PORT of the client gRPC door.</summary>
    public string Grpc { get; private set; } = "";

    /// <summary>HOST:PORT of the control door.</summary>
    public string Control { get; private set; } = "";

    /// <summary>What it wrote to standard error so far.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    public static async Task<RunningServer> StartAsync(params string[] arguments)
    {
        int grpcPort = FreePort();
        int controlPort = FreePort();
        string[] all =
        [
            "serve", "--http", "127.0.0.1:0", "--grpc", $"127.0.0.1:{grpcPort}", "--control", $"127.0.0.1:{controlPort}", .. arguments,
        ];
        var start = new ProcessStartInfo(Repository.Server, all) { RedirectStandardOutput = true, RedirectStandardError = true };
        var server = new RunningServer(Process.Start(start)!) { Grpc = $"127.0.0.1:{grpcPort}", Control = $"127.0.0.1:{controlPort}" };
        server.Listen();
        try
        {
            string url = await server._ready.Task.WaitAsync(StartBound);
            server.Http = new Uri(url.TrimEnd('/') + "/");
            return server;
        }
        catch (Exception error)
        {
            server.Process.Kill(entireProcessTree: true);
            throw new InvalidOperationException($"The server did not become ready ({error.Message}). It said:\n{server.Log}");
        }
    }

    /// <summary>The node processes: children of the server.</summary>
    public IReadOnlyList<(int Pid, string Name)> Children() => ProcessTable.ChildrenOf(Process.Id);

    public void Signal(string signal) => ProcessTable.Signal(Process.Id, signal);

    public async ValueTask DisposeAsync()
    {
        if (!Process.HasExited)
        {
            Signal("TERM");
            try
            {
                await Process.WaitForExitAsync().WaitAsync(StopBound);
            }
            catch (TimeoutException)
            {
                Process.Kill(entireProcessTree: true);
                throw new InvalidOperationException($"The server did not stop within {StopBound.TotalSeconds} s of SIGTERM. It said:\n{Log}");
            }
        }

        Process.Dispose();
    }

    /// <summary>A port that was free a moment ago.</summary>
    public static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Listen()
    {
        Process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.StartsWith("ready ", StringComparison.Ordinal) == true)
                _ready.TrySetResult(line.Data["ready ".Length..].Split(' ')[0]);
        };
        Process.ErrorDataReceived += (_, line) =>
        {
            lock (_log)
                _log.AppendLine(line.Data);
        };
        Process.Exited += (_, _) => _ready.TrySetException(new InvalidOperationException(
            string.Create(CultureInfo.InvariantCulture, $"it exited with status {Process.ExitCode}")));
        Process.EnableRaisingEvents = true;
        Process.BeginOutputReadLine();
        Process.BeginErrorReadLine();
    }
}
