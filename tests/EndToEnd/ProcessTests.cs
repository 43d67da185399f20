using System.Net.Http.Json;
using System.Text.Json;
using Xunit;

namespace MegaInfer.EndToEnd;

/// <summary>The pools are processes of their own, die with the server, and are replaced when they crash.</summary>
public sealed class ProcessTests
{
    private static readonly TimeSpan GoneBound = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Serve_OnePlusOne_AreThreeProcesses_AndNoneIsLeftAfterSigterm()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        IReadOnlyList<(int Pid, string Name)> children = server.Children();
        Assert.Equal(["megainfer-attention-node", "megainfer-expert-node"], children.Select(child => child.Name).Order());

        server.Signal("TERM");
        Assert.Empty(await ProcessTable.LeftAfterAsync(children.Select(child => child.Pid).Append(server.Process.Id), GoneBound));
        await server.Process.WaitForExitAsync();
        Assert.Equal(0, server.Process.ExitCode);
        Assert.DoesNotContain("warning", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_KilledBySigkill_LeavesNoChild()
    {
        await using RunningServer server = await RunningServer.StartAsync("--attention-nodes", "2", "--expert-nodes", "2");
        IReadOnlyList<(int Pid, string Name)> children = server.Children();
        Assert.Equal(4, children.Count);

        server.Signal("KILL");
        Assert.Empty(await ProcessTable.LeftAfterAsync(children.Select(child => child.Pid), GoneBound));
    }

    [Theory]
    [InlineData("megainfer-expert-node")]
    [InlineData("megainfer-attention-node")]
    public async Task Serve_ChildKilledMidStream_TextIsWholeAndTheChildIsReplaced(string victim)
    {
        await using RunningServer server = await RunningServer.StartAsync();
        using var http = new HttpClient { BaseAddress = server.Http, Timeout = TimeSpan.FromSeconds(90) };
        string expected = await CompleteAsync(http);

        Task<string> running = CompleteAsync(http);
        int pid = server.Children().Single(child => child.Name == victim).Pid;
        ProcessTable.Signal(pid, "KILL");
        Assert.Equal(expected, await running);
        Assert.Equal(expected, await CompleteAsync(http));

        (int Pid, string Name) replacement = server.Children().Single(child => child.Name == victim);
        Assert.NotEqual(pid, replacement.Pid);
    }

    [Fact]
    public async Task Serve_Idle_UsesHardlyAnyCpu()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        using var http = new HttpClient { BaseAddress = server.Http };
        await CompleteAsync(http);
        int[] pids = [server.Process.Id, .. server.Children().Select(child => child.Pid)];

        // The promise is 2 % of a core; CPU time is counted, not wall time, so a busy machine disturbs it little. In the first minute the runtime still
        // recompiles what ran often, so the window is moved until it is quiet, at most that long.
        double share = 1;
        for (int window = 0; window < 12 && share >= 0.02; window++)
        {
            TimeSpan before = Total(pids);
            await Task.Delay(TimeSpan.FromSeconds(5));
            share = (Total(pids) - before).TotalSeconds / 5;
        }

        Assert.True(share < 0.02, $"an idle cluster used {share:P1} of a core");
    }

    private static TimeSpan Total(int[] pids) => pids.Aggregate(TimeSpan.Zero, (sum, pid) => sum + ProcessTable.CpuTime(pid));

    // Long enough that a kill lands in the middle of it.
    private static async Task<string> CompleteAsync(HttpClient http)
    {
        var body = new { prompt = "Once", temperature = 1.0, seed = 5, max_tokens = 400, ignore_eos = true, model = "megainfer-mini" };
        using HttpResponseMessage response = await http.PostAsJsonAsync("v1/completions", body);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement.GetProperty("choices")[0].GetProperty("text").GetString()!;
    }
}
