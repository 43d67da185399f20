using MegaInfer.Proto;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.Health;

/// <summary>/health and /metrics.</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task Metrics_HaveTheServersAndTheNodes_AndForgetNodesThatLeft()
    {
        await using TestServer server = await TestServer.StartAsync();
        FakeNode expert = await FakeNode.ExpertAsync(server);
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server);
        await server.AnswerAsync("/v1/completions", """{"prompt": "x"}""");
        await expert.SendAsync(new NodeMessage { Heartbeat = new Heartbeat { Metrics = { { "megainfer_rows_total", 12 }, { "megainfer_te_us", 3.5 }, { "bad name", 1 } } } });
        await server.UntilAsync(() => server.Parts.Cluster.NodeMetrics().Count == 1);

        string text = await server.Http.GetStringAsync("/metrics");
        string labels = $"{{role=\"expert\",node=\"{expert.Welcome!.NodeId}\"}}";
        Assert.Contains($"\nmegainfer_rows_total{labels} 12\n", text, StringComparison.Ordinal);
        Assert.Contains($"\nmegainfer_te_us{labels} 3.5\n", text, StringComparison.Ordinal);
        Assert.Contains("\nmegainfer_nodes{role=\"expert\",state=\"ready\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("\nmegainfer_generation_tokens_total 7\n", text, StringComparison.Ordinal);
        Assert.Contains("\nmegainfer_time_to_first_token_seconds_count 1\n", text, StringComparison.Ordinal);
        Assert.Contains("\nmegainfer_time_per_output_token_seconds_count 1\n", text, StringComparison.Ordinal);
        Assert.Contains("\nmegainfer_prompt_tokens_total 1\n", text, StringComparison.Ordinal);
        Assert.Contains("\nmegainfer_sequences_finished_total{reason=\"stop\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("\nmegainfer_requests_total{endpoint=\"/v1/completions\",status=\"200\"} 1\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("bad name", text, StringComparison.Ordinal);

        await expert.DisposeAsync();
        await server.UntilAsync(() => server.Parts.Cluster.NodeMetrics().Count == 0);
        Assert.DoesNotContain(labels, await server.Http.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_FollowsTheNodes()
    {
        await using TestServer server = await TestServer.StartAsync();
        using HttpResponseMessage before = await server.Http.GetAsync("/health");
        Assert.Equal("{\"status\":\"waiting for nodes\"}", await before.Content.ReadAsStringAsync());
        Assert.Equal(503, (int)before.StatusCode);
        await using FakeNode expert = await FakeNode.ExpertAsync(server);
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server);
        Assert.Equal("{\"status\":\"ok\"}", await server.Http.GetStringAsync("/health"));
    }
}
