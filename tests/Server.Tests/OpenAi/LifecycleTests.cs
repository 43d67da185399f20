using System.Net;
using System.Text.Json;
using MegaInfer.Proto;
using MegaInfer.Server.Hosting;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.OpenAi;

/// <summary>What happens around a request: clients that leave, full queues, deadlines, lost nodes, a server that stops.</summary>
public sealed class LifecycleTests
{
    private const string Path = "/v1/chat/completions";
    private static readonly string Streamed = ChatCompletionsTests.Body(", \"stream\": true");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ClientLeaves_SequenceIsCancelledOnTheNode(bool isStreamed)
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server, isManual: true);
        using var leaving = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = new StringContent(isStreamed ? Streamed : ChatCompletionsTests.Body()) };
        Task<HttpResponseMessage> answer = server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
        await server.UntilAsync(() => node.Started.Count == 1);
        long id = node.Started.Keys.Single();
        if (isStreamed)
        {
            await node.SendTextAsync(id, "He");
            (await answer).Dispose();
        }
        else
        {
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        }

        await server.UntilAsync(() => node.Cancelled.Contains(id));
        await server.UntilAsync(() => server.Parts.Router.ActiveCount == 0);
    }

    [Fact]
    public async Task QueueFull_Is503WithRetryAfter()
    {
        await using TestServer server = await TestServer.StartAsync(new ServeOptions { MaxSequences = 1, MaxQueue = 1 });
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server, isManual: true);
        Task<HttpResponseMessage> running = server.PostAsync(Path, Streamed);
        await server.UntilAsync(() => node.Started.Count == 1);
        Task<HttpResponseMessage> waiting = server.PostAsync(Path, Streamed);
        await server.UntilAsync(() => server.Parts.Router.ActiveCount == 2);

        using HttpResponseMessage refused = await server.PostAsync(Path, Streamed);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal("1", Assert.Single(refused.Headers.GetValues("Retry-After")));
        Assert.Equal("queue_full", RefusalTests.Error(await refused.Content.ReadAsStringAsync()).GetProperty("code").GetString());

        // The one that waits gets the place of the one that ends.
        await node.SendTokensAsync(node.Started.Keys.Single(), [65], FinishReason.Length);
        await server.UntilAsync(() => node.Started.Count == 2);
        await node.SendTokensAsync(node.Started.Keys.Max(), [66], FinishReason.Length);
        Assert.Contains("\"content\":\"A\"", await (await running).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains("\"content\":\"B\"", await (await waiting).Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SequencesBeyondWhatFits_AreABadRequest()
    {
        await using TestServer server = await TestServer.StartAsync(new ServeOptions { MaxSequences = 1, MaxQueue = 1 });
        using HttpResponseMessage response = await server.PostAsync(Path, ChatCompletionsTests.Body(", \"n\": 3"));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("n", RefusalTests.Error(await response.Content.ReadAsStringAsync()).GetProperty("param").GetString());
    }

    [Fact]
    public async Task Deadline_BeforeTheFirstToken_Is504()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server, isManual: true);
        Task<HttpResponseMessage> answer = server.PostAsync(Path, Streamed, ("X-Request-Timeout-Ms", "200"));
        await server.UntilAsync(() => node.Started.Count == 1);
        Assert.Equal(200, node.Started.Values.Single().Limits.DeadlineMs);
        server.Time.Advance(TimeSpan.FromMilliseconds(200));
        using HttpResponseMessage response = await answer;
        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Equal("deadline_exceeded", RefusalTests.Error(await response.Content.ReadAsStringAsync()).GetProperty("code").GetString());
        await server.UntilAsync(() => node.Cancelled.Count == 1);
    }

    [Fact]
    public async Task Failure_InTheMiddleOfAStream_IsAnErrorEvent()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server, isManual: true);
        Task<HttpResponseMessage> answer = server.PostAsync(Path, Streamed);
        await server.UntilAsync(() => node.Started.Count == 1);
        await node.SendTextAsync(node.Started.Keys.Single(), "He");
        using HttpResponseMessage response = await answer;
        await node.SendTokensAsync(node.Started.Keys.Single(), [], FinishReason.Failed, "the KV cache is full");
        string text = await response.Content.ReadAsStringAsync();
        Assert.EndsWith(
            "data: {\"error\":{\"message\":\"the KV cache is full\",\"type\":\"server_error\",\"param\":null,\"code\":\"generation_failed\"}}\n\ndata: [DONE]\n\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AttentionNodeLost_StreamContinuesOnAnother_WithoutARepeatedToken()
    {
        await using TestServer server = await TestServer.StartAsync();
        FakeAttentionNode first = await FakeAttentionNode.AttachAsync(server, isManual: true);
        Task<HttpResponseMessage> answer = server.PostAsync(Path, ChatCompletionsTests.Body(", \"stream\": true, \"return_token_ids\": true, \"seed\": 9"));
        await server.UntilAsync(() => first.Started.Count == 1);
        long id = first.Started.Keys.Single();
        await first.SendTextAsync(id, "Hel");
        using HttpResponseMessage response = await answer;
        await server.UntilAsync(() => server.Parts.Metrics.GeneratedTokens.Value >= 3);
        await first.DisposeAsync();
        await server.UntilAsync(() => server.Parts.Router.LinkCount == 0);

        await using FakeAttentionNode second = await FakeAttentionNode.AttachAsync(server);
        string text = "";
        await foreach (JsonElement chunk in Sse.ReadAsync(response))
            text += chunk.GetProperty("choices")[0].GetProperty("delta").TryGetProperty("content", out JsonElement content) ? content.GetString() : "";
        Assert.Equal("Hello!", text);
        StartSequence resumed = second.Started[id];
        Assert.Equal(TestModel.Tokens("Hel"), resumed.ResumedTokens);
        Assert.Equal(first.Started[id].PromptTokens, resumed.PromptTokens);
        Assert.Equal(first.Started[id].Sampling, resumed.Sampling);
        Assert.Equal(1, server.Parts.Metrics.Resumed.Value);
    }

    [Fact]
    public async Task NoAttentionNode_RequestWaitsAndThenIs503()
    {
        await using TestServer server = await TestServer.StartAsync();
        Task<HttpResponseMessage> answer = server.PostAsync(Path, ChatCompletionsTests.Body());
        await server.UntilAsync(() => server.Parts.Router.ActiveCount == 1);
        server.Time.Advance(TimeSpan.FromSeconds(61));
        using HttpResponseMessage response = await answer;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("unavailable", RefusalTests.Error(await response.Content.ReadAsStringAsync()).GetProperty("code").GetString());
    }

    [Fact]
    public async Task Stop_DrainsWhatRuns_AndRefusesWhatComes()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server, isManual: true);
        Task<HttpResponseMessage> answer = server.PostAsync(Path, Streamed);
        await server.UntilAsync(() => node.Started.Count == 1);
        Task stopping = server.StopAsync();
        await server.UntilAsync(() => server.Parts.Router.IsDraining);

        using HttpResponseMessage refused = await server.PostAsync(Path, Streamed);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal("stopping", RefusalTests.Error(await refused.Content.ReadAsStringAsync()).GetProperty("code").GetString());
        using HttpResponseMessage health = await server.Http.GetAsync("/health");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);

        await node.SendTokensAsync(node.Started.Keys.Single(), [65, 66], FinishReason.Length);
        string text = await (await answer).Content.ReadAsStringAsync();
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
        await stopping;
    }

    [Fact]
    public async Task ApiKey_Missing_Is401_ExceptForHealthAndMetrics()
    {
        await using TestServer server = await TestServer.StartAsync(new ServeOptions { ApiKey = "sesame" });
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server);
        using HttpResponseMessage without = await server.PostAsync(Path, ChatCompletionsTests.Body());
        Assert.Equal(HttpStatusCode.Unauthorized, without.StatusCode);
        Assert.Equal("invalid_api_key", RefusalTests.Error(await without.Content.ReadAsStringAsync()).GetProperty("code").GetString());
        using HttpResponseMessage wrong = await server.PostAsync(Path, ChatCompletionsTests.Body(), ("Authorization", "Bearer sesam"));
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        using HttpResponseMessage right = await server.PostAsync(Path, ChatCompletionsTests.Body(), ("Authorization", "Bearer sesame"));
        Assert.Equal(HttpStatusCode.OK, right.StatusCode);
        using HttpResponseMessage metrics = await server.Http.GetAsync("/metrics");
        Assert.Equal(HttpStatusCode.OK, metrics.StatusCode);
    }
}
