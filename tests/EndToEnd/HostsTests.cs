using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Xunit;

namespace MegaInfer.EndToEnd;

/// <summary>
/// The golden rule across hosts: a server with a local pool on one host and an attention node and expert nodes on others give the same bits as one host
/// does. Rows travel through shared memory within a host and over the network between two, and the status says which.
/// </summary>
public sealed class HostsTests
{
    private const int ControlPort = 8082;
    private static readonly TimeSpan StartBound = TimeSpan.FromSeconds(240);
    private static readonly string[] Prompts = ["Once", "The cat", "A little girl", "He said", "It was", "They went"];

    private readonly string _secret = Path.GetTempFileName();

    // The hosts of the expert nodes that join; the joining attention node is on host 2. Then how the server's attention node and the joining one reach the
    // experts, of which number 0 is the server's.
    [Theory]
    [InlineData("auto", new[] { 3 }, "shm:0 tcp:1", "tcp:0-1")]
    [InlineData("ucx", new[] { 2 }, "shm:0 ucx:1", "shm:1 ucx:0")]
    [InlineData("ucx", new[] { 3, 4 }, "shm:0 ucx:1-2", "ucx:0-2")]
    public async Task Serve_AcrossHosts_GivesTheBitsOfOne_AndShowsHowRowsTravel(string transport, int[] experts, string fromServer, string fromJoined)
    {
        Assert.SkipWhen(transport == "ucx" && !NativeLibrary.TryLoad("libucp.so.0", out _), "UCX is not installed (Debian package libucx0)");
        await File.WriteAllTextAsync(_secret, "a secret for the test\n", TestContext.Current.CancellationToken);
        try
        {
            await using NamespaceHosts hosts = await NamespaceHosts.OpenAsync(experts[^1]);
            string[] expected;
            await using (HostedProcess alone = HostedProcess.Start("ip", Serve(hosts)))
            {
                await alone.UntilReadyAsync(StartBound);
                expected = await CompleteAllAsync(hosts);
            }

            await using HostedProcess server = HostedProcess.Start("ip", Serve(hosts, "--m2n-interface", "eth0", "--m2n-transport", transport));
            await server.UntilReadyAsync(StartBound);
            await using HostedProcess attention = HostedProcess.Start("ip", Join(hosts, 2, Repository.Executable("MegaInfer.AttentionNodes", "megainfer-attention-node")));
            await using HostedProcess first = StartExpert(hosts, experts[0]);
            await using HostedProcess? second = experts.Length > 1 ? StartExpert(hosts, experts[1]) : null;
            await UntilConnectedAsync(hosts, [fromServer, fromJoined], () => $"{server.Said}\n{attention.Said}\n{first.Said}\n{second?.Said}");
            Assert.Equal(expected, await CompleteAllAsync(hosts));
        }
        finally
        {
            File.Delete(_secret);
        }
    }

    private static string Control => $"{NamespaceHosts.AddressOf(1)}:{ControlPort}";

    private string[] Serve(NamespaceHosts hosts, params string[] more) => hosts.On(1,
    [
        Repository.Server, "serve", "--http", "127.0.0.1:8080", "--control", Control, "--secret-file", _secret, "--model", Repository.EmbeddedModel, "--threads", "1", .. more,
    ]);

    private string[] Join(NamespaceHosts hosts, int host, string node) => hosts.On(host, node, "--join", Control, "--secret-file", _secret, "--m2n-interface", "eth0");

    private HostedProcess StartExpert(NamespaceHosts hosts, int host) =>
        HostedProcess.Start("ip", Join(hosts, host, Repository.Executable("MegaInfer.ExpertNodes", "megainfer-expert-node")));

    /// <summary>Until the status says that every pair stands, and how.</summary>
    private async Task UntilConnectedAsync(NamespaceHosts hosts, string[] ways, Func<string> said)
    {
        string status = "";
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < StartBound)
        {
            CommandRun run = await CommandRun.RunAsync("ip", hosts.On(1, Repository.Server, "cluster", "status", "--control", Control, "--secret-file", _secret));
            status = run.Output + run.Error;
            if (ways.All(way => status.Contains(way, StringComparison.Ordinal)))
                return;
            await Task.Delay(200);
        }

        throw new TimeoutException($"Not every pair came to stand. Status:\n{status}\nThey said:\n{said()}");
    }

    /// <summary>All prompts at the same time, so that every attention node gets some: text and log-probabilities of each.</summary>
    private static async Task<string[]> CompleteAllAsync(NamespaceHosts hosts) =>
        await Task.WhenAll(Prompts.Select((prompt, i) => CompleteAsync(hosts, prompt, seed: i)));

    // A client on the server's host: the test's own process has no way there.
    private static async Task<string> CompleteAsync(NamespaceHosts hosts, string prompt, int seed)
    {
        string body = JsonSerializer.Serialize(new { prompt, temperature = 1.0, seed, max_tokens = 32, ignore_eos = true, logprobs = 1, model = "megainfer-mini" });
        string request = $"POST /v1/completions HTTP/1.0\\r\\nContent-Type: application/json\\r\\nContent-Length: {body.Length}\\r\\n\\r\\n";
        string script = $"exec 3<>/dev/tcp/127.0.0.1/8080; printf '{request}' >&3; printf '%s' \"$0\" >&3; cat <&3";
        CommandRun run = await CommandRun.RunAsync("ip", hosts.On(1, "bash", "-c", script, body));
        int at = run.Output.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        Assert.True(at > 0 && run.Output.Contains(" 200 ", StringComparison.Ordinal), run.Output + run.Error);
        JsonElement choice = JsonDocument.Parse(run.Output[at..]).RootElement.GetProperty("choices")[0];
        return choice.GetProperty("text").GetString() + choice.GetProperty("logprobs").GetRawText();
    }
}
