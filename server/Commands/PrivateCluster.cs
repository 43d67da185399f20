using System.CommandLine;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.Commands;

/// <summary>
/// A server of one command's own: the same code path as <c>serve</c> with the same processes, on ports that the system chooses, stopped when the command is done.
/// </summary>
internal sealed class PrivateCluster : IAsyncDisposable
{
    private const string AnyPort = "127.0.0.1:0";

    private PrivateCluster(ServerHost host) => Host = host;

    public ServerHost Host { get; }

    /// <param name="options">Model and pools.</param>
    /// <param name="log">Where the processes' lines go.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="Engine.MegaInferException">It cannot start; nothing is left running.</exception>
    public static async Task<PrivateCluster> StartAsync(ServeOptions options, TextWriter log, CancellationToken cancel)
    {
        ServeOptions hidden = options with { Http = AnyPort, Grpc = AnyPort, Control = AnyPort };
        return new PrivateCluster(await ServerHost.StartAsync(hidden, new HostEnvironment { Log = log }, cancel));
    }

    public static Option<bool> VerboseFlag() => new("--verbose") { Description = "Show what the processes log." };

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
