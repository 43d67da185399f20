using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.Server.Cluster;
using MegaInfer.Server.Health;
using MegaInfer.Server.Routing;

namespace MegaInfer.Server.Hosting;

/// <summary>
/// A whole running server: doors, model, local pools. Start-up is ordered so that what a user can get wrong is found before any process starts, and what takes time
/// runs side by side:
/// <code>
/// bind doors -> open model -> start children -> build web server -> (tokenizer, digest, nodes load) -> ready
/// </code>
/// Stopping is the reverse, each stage bounded: refuse new work, let sequences finish, stop children, close doors.
/// </summary>
internal sealed class ServerHost : IAsyncDisposable
{
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(5);

    private readonly ServeOptions _options;
    private readonly Doors _doors;
    private readonly WebApplication _app;
    private readonly Supervisor _supervisor;
    private bool _isStopped;

    private ServerHost(ServeOptions options, Doors doors, ServerParts parts, WebApplication app, Supervisor supervisor)
    {
        _options = options;
        _doors = doors;
        Parts = parts;
        _app = app;
        _supervisor = supervisor;
    }

    public ServerParts Parts { get; }

    /// <summary>HOST:PORT of a door, for clients on this host.</summary>
    public string Address(Listener listener) => _doors.Address(listener);

    /// <summary>Starts everything and waits until all expected nodes are ready.</summary>
    /// <param name="options">Validated here.</param>
    /// <param name="environment">Clock, log, folder of the executables, identities.</param>
    /// <param name="cancel">Gives up; whatever was started is stopped again.</param>
    /// <exception cref="MegaInferException">It cannot start, in one sentence; nothing is left running.</exception>
    public static async Task<ServerHost> StartAsync(ServeOptions options, HostEnvironment environment, CancellationToken cancel)
    {
        options.Validate();
        ListenAddress control = ListenAddress.Parse("--control", options.Control);
        if (!control.IsLoopback && options.SecretFile is null)
            throw new MegaInferException($"--control {options.Control} can be reached from other hosts and needs a secret: give --secret-file FILE, and the same file to nodes and operators.");
        var doors = new Doors(ListenAddress.Parse("--http", options.Http), ListenAddress.Parse("--grpc", options.Grpc), control);
        ServerHost? host = null;
        try
        {
            ServedModel model = ServedModel.Open(options.Model, environment.Folder, environment.Time);
            host = await AssembleAsync(options, environment, doors, model);
            await host.WaitReadyAsync(environment, cancel);
            return host;
        }
        catch
        {
            if (host is not null)
                await host.StopAsync(TimeSpan.Zero, CancellationToken.None);
            doors.Dispose();
            throw;
        }
    }

    /// <summary>Stops in good order; <paramref name="hurry"/> ends the wait for running sequences. Idempotent.</summary>
    public Task StopAsync(CancellationToken hurry) => StopAsync(_options.DrainTimeout, hurry);

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero, CancellationToken.None);
        await _app.DisposeAsync();
        Parts.Router.Dispose();
        _doors.Dispose();
    }

    private static async Task<ServerHost> AssembleAsync(ServeOptions options, HostEnvironment environment, Doors doors, ServedModel model)
    {
        var logger = new StderrLoggerProvider(environment.Log).CreateLogger("MegaInfer.Server");
        if (model.Ignored is { } ignored)
            Log.TensorsIgnored(logger, model.Name, ignored);
        if (NumberTypes.FromShortName(options.Dtype) is { } type)
            Log.Packed(logger, type.PackedText());
        var metrics = new ServerMetrics();
        ClusterSpec spec = ClusterSpecs.Of(options, model);
        var cluster = new ClusterState(spec, logger);
        var routerOptions = new RouterOptions
        {
            MaxQueue = options.MaxQueue,
            MaxSequences = options.MaxSequences,
            VocabularySize = model.Spec.VocabularySize,
            EosTokenIds = model.Spec.EosTokenIds,
        };
        var router = new RequestRouter(routerOptions, environment.Time, metrics, logger);
        var parts = new ServerParts
        {
            Model = model,
            Cluster = cluster,
            Router = router,
            Gate = new ReadyGate(cluster, router),
            Metrics = metrics,
            InFlight = new RequestsInFlight(),
            Identities = environment.Identities,
            Time = environment.Time,
            ApiKey = options.ApiKey,
            Logger = logger,
        };
        IReadOnlyList<ChildSpec> children = environment.StartsChildren ? ChildSpecs.Of(options, environment.Folder, doors.Address(Listener.Control)) : [];
        var supervisor = new Supervisor(children, environment.Log, metrics, environment.Time, logger);
        await supervisor.StartAsync();
        try
        {
            // The children need a while to dial; the web server is up by then, and the doors already queue.
            WebApplication app = WebServer.Build(doors, parts, environment.Log);
            await app.StartAsync(CancellationToken.None);
            return new ServerHost(options, doors, parts, app, supervisor);
        }
        catch
        {
            await supervisor.DisposeAsync();
            throw;
        }
    }

    private async Task WaitReadyAsync(HostEnvironment environment, CancellationToken cancel)
    {
        if (_options.NeedsText)
            await Parts.Model.Text.WaitAsync(cancel);
        await Parts.Model.Digest.WaitAsync(cancel);
        if (!environment.StartsChildren)
            return;
        Task first = await Task.WhenAny(Parts.Gate.AllReady, _supervisor.StartFailed).WaitAsync(Parts.Cluster.Spec.LoadTimeout, environment.Time, cancel);
        await first;
        _supervisor.Settle();
        Log.Serving(
            Parts.Logger, Parts.Model.Name, Parts.Model.Folder, _options.AttentionNodes, _options.ExpertNodes,
            Address(Listener.Http), Address(Listener.Grpc), Address(Listener.Control));
    }

    private async Task StopAsync(TimeSpan drain, CancellationToken hurry)
    {
        if (_isStopped)
            return;
        _isStopped = true;
        if (drain > TimeSpan.Zero)
            Log.Draining(Parts.Logger, Parts.Router.ActiveCount, (int)drain.TotalSeconds);
        await Parts.Router.DrainAsync(drain, hurry);
        await Parts.InFlight.WaitForNoneAsync(drain > TimeSpan.Zero ? FlushTimeout : TimeSpan.Zero, Parts.Time);
        Parts.Cluster.BeginStop();
        await _supervisor.DisposeAsync();
        Parts.Cluster.Close();
        await _app.StopAsync(CancellationToken.None);
    }
}
