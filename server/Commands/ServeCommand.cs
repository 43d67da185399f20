using System.CommandLine;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.Commands;

/// <summary><c>serve</c>: runs until a signal comes. Standard output has exactly one line, <c>ready http://HOST:PORT</c>, when requests are answered.</summary>
internal sealed class ServeCommand : ICommand
{
    private static readonly ServeOptions Defaults = new();

    private readonly PoolFlags _pool = new();
    private readonly Option<string> _http = PoolFlags.Flag("--http", "HOST:PORT", "The OpenAI-style HTTP door. Port 0: any free one.", Defaults.Http);
    private readonly Option<string> _grpc = PoolFlags.Flag("--grpc", "HOST:PORT", "The gRPC door for clients: inference and rollouts.", Defaults.Grpc);
    private readonly Option<string> _control = PoolFlags.Flag("--control", "HOST:PORT", "The gRPC door for nodes and operators; beyond loopback it needs --secret-file.", Defaults.Control);
    private readonly Option<string?> _apiKey = new("--api-key") { HelpName = "KEY", Description = "What clients must send as 'Authorization: Bearer KEY'. Default: nothing." };
    private readonly Option<string?> _secretFile = new("--secret-file") { HelpName = "FILE", Description = "A file with the secret that nodes and operators must show. Default: none." };
    private readonly Option<int> _maxQueue = PoolFlags.Flag("--max-queue", "N", "Sequences that may wait; more are refused with 503.", Defaults.MaxQueue);
    private readonly Option<double> _drain = PoolFlags.Flag("--drain-timeout", "SECONDS", "How long running sequences may take to finish after SIGTERM.", Defaults.DrainTimeout.TotalSeconds);
    private readonly Option<bool> _mixed = new("--allow-mixed-numerics") { Description = "Take nodes that compute other bits than their pool." };
    private readonly Option<string> _m2nInterface = PoolFlags.Flag("--m2n-interface", "NAME", "The network interface, on a trusted network, over which the local pools meet nodes of other hosts.", Defaults.M2NInterface);
    private readonly Option<string> _m2nTransport = PoolFlags.Flag("--m2n-transport", "auto|tcp|ucx", "How rows travel between hosts: auto is TCP; ucx, which every node then needs, is for RDMA. On one host they travel through shared memory.", Defaults.M2NTransport);

    public Command Create(Terminal terminal)
    {
        var command = new Command("serve", "Starts the server with a local pool of attention and expert nodes.");
        _pool.AddTo(command);
        Option[] own = [_http, _grpc, _control, _apiKey, _secretFile, _maxQueue, _drain, _mixed, _m2nInterface, _m2nTransport];
        foreach (Option option in own)
            command.Options.Add(option);
        command.SetAction((parsed, _) => RunAsync(Read(parsed), terminal));
        return command;
    }

    private ServeOptions Read(ParseResult parsed) => _pool.Read(parsed) with
    {
        Http = parsed.GetRequiredValue(_http),
        Grpc = parsed.GetRequiredValue(_grpc),
        Control = parsed.GetRequiredValue(_control),
        ApiKey = parsed.GetValue(_apiKey),
        SecretFile = parsed.GetValue(_secretFile),
        MaxQueue = parsed.GetValue(_maxQueue),
        DrainTimeout = TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(_drain), 0, 3600)),
        AllowMixedNumerics = parsed.GetValue(_mixed),
        M2NInterface = parsed.GetRequiredValue(_m2nInterface),
        M2NTransport = parsed.GetRequiredValue(_m2nTransport),
    };

    private static async Task<int> RunAsync(ServeOptions options, Terminal terminal)
    {
        using var signals = new StopSignals();
        var environment = new HostEnvironment { Log = terminal.Errors };
        ServerHost host;
        try
        {
            host = await ServerHost.StartAsync(options, environment, signals.Stop);
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            return 0;
        }

        await using (host)
        {
            await terminal.Output.WriteLineAsync($"ready http://{host.Address(Listener.Http)}");
            await terminal.Output.FlushAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, signals.Stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await host.StopAsync(signals.Hurry);
        }

        return 0;
    }
}
