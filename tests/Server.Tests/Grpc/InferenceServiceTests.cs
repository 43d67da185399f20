using Grpc.Core;
using Grpc.Net.Client;
using MegaInfer.Proto;
using MegaInfer.Server.Hosting;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.Grpc;

/// <summary>Token-in, token-out over gRPC.</summary>
public sealed class InferenceServiceTests
{
    [Fact]
    public async Task Generate_TokensInAndOut_EndsWithFinished()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server);
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{server.Grpc}");
        var request = new GenerateRequest
        {
            Tokens = new TokenIds { Ids = { 1, 2, 3 } },
            Sampling = new Sampling { Temperature = 0.5f, Seed = 11 },
            SampleIndex = 4,
            TopLogProbs = 1,
            Limits = new Limits { MaxTokens = 5, StopTokenIds = { 99 } },
        };
        List<GenerateResponse> events = await ReadAsync(new Inference.InferenceClient(channel).Generate(request));
        Assert.Equal(11UL, events[0].Started.Seed);
        Assert.Equal(3, events[0].Started.PromptTokens);
        Token[] tokens = [.. events.SelectMany(response => response.Tokens?.Tokens_ ?? [])];
        Assert.Equal(TestModel.Tokens("Hello"), tokens.Select(token => token.Id));
        Assert.All(tokens, token => Assert.Single(token.Top));
        Assert.Equal(new Finished { Reason = FinishReason.Length, PromptTokens = 3, GeneratedTokens = 5, CachedTokens = 3 }, events[^1].Finished);
        StartSequence start = Assert.Single(node.Started.Values);
        Assert.Equal(4, start.SampleIndex);
        Assert.Equal([99], start.Limits.StopTokenIds);
        Assert.Equal(0.5f, start.Sampling.Temperature);
        Assert.Equal(1, start.Sampling.TopP);
    }

    [Fact]
    public async Task Generate_DroppedStream_IsCancelledOnTheNode()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server, isManual: true);
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{server.Grpc}");
        AsyncServerStreamingCall<GenerateResponse> call = new Inference.InferenceClient(channel).Generate(new GenerateRequest { Text = "hi" });
        await server.UntilAsync(() => node.Started.Count == 1);
        call.Dispose();
        await server.UntilAsync(() => node.Cancelled.Count == 1);
    }

    [Fact]
    public async Task Generate_PromptOverTheContext_IsNamedAsThePrompt()
    {
        await using TestServer server = await TestServer.StartAsync();
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{server.Grpc}");
        var request = new GenerateRequest { Text = new string('x', TestModel.ContextLength + 1) };
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => ReadAsync(new Inference.InferenceClient(channel).Generate(request)));
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Contains("prompt has 513 tokens", error.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", StatusCode.InvalidArgument, "prompt")]
    [InlineData("""{"model": "other", "text": "x"}""", StatusCode.NotFound, "other")]
    [InlineData("""{"tokens": {"ids": [512]}}""", StatusCode.InvalidArgument, "prompt")]
    [InlineData("""{"text": "x", "sampling": {"topP": 2}}""", StatusCode.InvalidArgument, "top_p")]
    [InlineData("""{"text": "x", "limits": {"maxTokens": 0}}""", StatusCode.InvalidArgument, "max_tokens")]
    [InlineData("""{"text": "x", "limits": {"deadlineMs": -1}}""", StatusCode.InvalidArgument, "deadline")]
    [InlineData("""{"text": "x", "limits": {"deadlineMs": 5000000000}}""", StatusCode.InvalidArgument, "deadline")]
    [InlineData("""{"text": "x", "limits": {"deadlineMs": 9000000000000000000}}""", StatusCode.InvalidArgument, "deadline")]
    [InlineData("""{"text": "x", "topLogProbs": 21}""", StatusCode.InvalidArgument, "top_logprobs")]
    public async Task Generate_Wrong_NamesTheField(string json, StatusCode code, string named)
    {
        await using TestServer server = await TestServer.StartAsync();
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{server.Grpc}");
        GenerateRequest request = Google.Protobuf.JsonParser.Default.Parse<GenerateRequest>(json);
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => ReadAsync(new Inference.InferenceClient(channel).Generate(request)));
        Assert.Equal(code, error.StatusCode);
        Assert.Contains(named, error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Generate_QueueFull_IsResourceExhaustedWithRetryAfter()
    {
        await using TestServer server = await TestServer.StartAsync(new ServeOptions { MaxSequences = 1, MaxQueue = 0, ApiKey = "k" });
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server, isManual: true);
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{server.Grpc}");
        var client = new Inference.InferenceClient(channel);
        RpcException without = await Assert.ThrowsAsync<RpcException>(() => ReadAsync(client.Generate(new GenerateRequest { Text = "x" })));
        Assert.Equal(StatusCode.Unauthenticated, without.StatusCode);

        var key = new Metadata { { "authorization", "Bearer k" } };
        using AsyncServerStreamingCall<GenerateResponse> running = client.Generate(new GenerateRequest { Text = "x" }, key);
        await server.UntilAsync(() => node.Started.Count == 1);
        RpcException full = await Assert.ThrowsAsync<RpcException>(() => ReadAsync(client.Generate(new GenerateRequest { Text = "x" }, key)));
        Assert.Equal(StatusCode.ResourceExhausted, full.StatusCode);
        Assert.Equal("1", full.Trailers.GetValue("retry-after"));
    }

    [Fact]
    public async Task Services_AnswerOnTheirOwnDoorOnly()
    {
        await using TestServer server = await TestServer.StartAsync();
        using GrpcChannel control = GrpcChannel.ForAddress($"http://{server.Control}");
        using GrpcChannel clients = GrpcChannel.ForAddress($"http://{server.Grpc}");
        RpcException inference = await Assert.ThrowsAsync<RpcException>(async () => await new Inference.InferenceClient(control).GetModelAsync(new GetModelRequest()));
        Assert.Equal(StatusCode.Unimplemented, inference.StatusCode);
        RpcException cluster = await Assert.ThrowsAsync<RpcException>(async () => await new Proto.Cluster.ClusterClient(clients).GetStatusAsync(new StatusRequest()));
        Assert.Equal(StatusCode.Unimplemented, cluster.StatusCode);
        ModelInfo model = await new Inference.InferenceClient(clients).GetModelAsync(new GetModelRequest());
        Assert.Equal("tiny", model.Name);
        Assert.Equal([256, 258], model.EosTokenIds);
        Assert.Equal(await server.Parts.Model.Digest, model.Digest);
    }

    internal static async Task<List<GenerateResponse>> ReadAsync(AsyncServerStreamingCall<GenerateResponse> call)
    {
        using (call)
        {
            var events = new List<GenerateResponse>();
            await foreach (GenerateResponse response in call.ResponseStream.ReadAllAsync())
                events.Add(response);
            return events;
        }
    }
}
