using System.CommandLine;
using Grpc.Core;
using Grpc.Net.Client;
using MegaInfer.Engine;
using MegaInfer.Proto;
using MegaInfer.Server.Cluster;
using MegaInfer.Server.Hosting;

namespace MegaInfer.Server.Commands;

/// <summary><c>cluster status</c>: the nodes of a running server. The other verbs are planned.</summary>
internal sealed class ClusterCommand : ICommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);
    private static readonly ServeOptions Defaults = new();

    private readonly Option<string> _control = PoolFlags.Flag("--control", "HOST:PORT", "The server's control door.", Defaults.Control);
    private readonly Option<string?> _secretFile = new("--secret-file") { HelpName = "FILE", Description = "The server's secret file, where it has one." };

    public Command Create(Terminal terminal)
    {
        var status = new Command("status", "Shows the nodes of a running server.") { _control, _secretFile };
        status.SetAction((parsed, cancel) => ShowAsync(parsed, terminal, cancel));
        return new Command("cluster", "Operator's verbs against a running server.")
        {
            status,
            new NotBuiltCommand("drain", "Empties a node").Create(terminal),
            new NotBuiltCommand("scale", "Changes the size of a pool").Create(terminal),
            new NotBuiltCommand("rebalance", "Moves experts between nodes").Create(terminal),
        };
    }

    private async Task<int> ShowAsync(ParseResult parsed, Terminal terminal, CancellationToken cancel)
    {
        string control = parsed.GetRequiredValue(_control);
        ListenAddress.Parse("--control", control);
        byte[] secret = new ServeOptions { SecretFile = parsed.GetValue(_secretFile) }.ReadSecret();
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{control}");
        var client = new Proto.Cluster.ClusterClient(channel);
        try
        {
            var headers = new Metadata { { ClusterService.SecretHeader, secret } };
            ClusterStatus status = await client.GetStatusAsync(
                new StatusRequest(), headers, deadline: TimeProvider.System.GetUtcNow().UtcDateTime + AnswerTimeout, cancellationToken: cancel);
            foreach (string line in StatusReport.Table(status))
                await terminal.Output.WriteLineAsync(line);
            return 0;
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.PermissionDenied)
        {
            throw new MegaInferException(error.Status.Detail, error);
        }
        catch (RpcException error)
        {
            throw new MegaInferException($"No server answers at {control} ({error.StatusCode}); start one, or give its --control HOST:PORT.", error);
        }
    }
}
