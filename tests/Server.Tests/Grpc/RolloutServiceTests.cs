using Grpc.Core;
using Grpc.Net.Client;
using MegaInfer.Proto;
using MegaInfer.Server.Grpc;
using MegaInfer.Server.Hosting;
using MegaInfer.Server.Tests.Fakes;
using Xunit;

namespace MegaInfer.Server.Tests.Grpc;

/// <summary>Batches of prompts x samples.</summary>
public sealed class RolloutServiceTests
{
    [Fact]
    public async Task Generate_MoreThanFits_ArrivesOnceEachWithItsSeed()
    {
        await using TestServer server = await TestServer.StartAsync(new ServeOptions { MaxSequences = 4, MaxQueue = 2 });
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server);
        int most = 0;
        node.Script = start =>
        {
            most = Math.Max(most, server.Parts.Router.ActiveCount);
            return [.. TestModel.Tokens($"{start.Sampling.Seed % 10}"), TestModel.MessageEnd];
        };
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{server.Grpc}");
        var request = new RolloutRequest { SamplesPerPrompt = 5, RunSeed = 77, Limits = new Limits { MaxTokens = 8 } };
        for (int i = 0; i < 6; i++)
            request.Prompts.Add(new RolloutPrompt { Id = $"p{i}", Tokens = new PromptTokens { Ids = { i + 1 } } });
        List<RolloutSample> samples = await ReadAsync(new Rollout.RolloutClient(channel).Generate(request));

        Assert.Equal(30, samples.Select(sample => (sample.PromptIndex, sample.SampleIndex)).Distinct().Count());
        Assert.Equal(30, samples.Count);
        Assert.All(samples, sample =>
        {
            Assert.Equal($"p{sample.PromptIndex}", sample.PromptId);
            Assert.Equal(RolloutSeeds.Derive(77, sample.PromptIndex, sample.SampleIndex), sample.Seed);
            Assert.Equal([sample.PromptIndex + 1], sample.PromptTokenIds);
            Assert.Equal([.. TestModel.Tokens($"{sample.Seed % 10}"), TestModel.MessageEnd], sample.TokenIds);
            Assert.Equal(2, sample.LogProbs.Count);
            Assert.Equal([new VersionSpan { WeightVersion = 0, Tokens = 2 }], sample.Versions);
            Assert.Equal(FinishReason.Stop, sample.FinishReason);
        });
        Assert.InRange(most, 1, 4);
        Assert.Equal(30, samples.Select(sample => sample.Seed).Distinct().Count());
    }

    [Fact]
    public async Task Generate_DroppedStream_FreesEverything()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server, isManual: true);
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{server.Grpc}");
        AsyncServerStreamingCall<RolloutSample> call = new Rollout.RolloutClient(channel).Generate(
            new RolloutRequest { SamplesPerPrompt = 8, Prompts = { new RolloutPrompt { Text = "x" } } });
        await server.UntilAsync(() => node.Started.Count == 8);
        call.Dispose();
        await server.UntilAsync(() => node.Cancelled.Count == 8 && server.Parts.Router.ActiveCount == 0);
    }

    [Fact]
    public async Task Generate_FailedSample_ArrivesAndDoesNotEndTheStream()
    {
        await using TestServer server = await TestServer.StartAsync();
        await using FakeAttentionNode node = await FakeAttentionNode.AttachAsync(server, isManual: true);
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{server.Grpc}");
        Task<List<RolloutSample>> reading = ReadAsync(new Rollout.RolloutClient(channel).Generate(
            new RolloutRequest { SamplesPerPrompt = 2, Prompts = { new RolloutPrompt { Text = "x" } } }));
        await server.UntilAsync(() => node.Started.Count == 2);
        await node.SendTokensAsync(node.Started.Keys.Min(), [65], FinishReason.Failed, "broken");
        await node.SendTokensAsync(node.Started.Keys.Max(), [66], FinishReason.Length);
        List<RolloutSample> samples = await reading;
        Assert.Equal(["", "broken"], samples.Select(sample => sample.Message).Order());
        Assert.Equal(2, samples.Count);
    }

    [Theory]
    [InlineData(0, 1, "prompts")]
    [InlineData(1, 0, "samples_per_prompt")]
    [InlineData(1, 1025, "samples_per_prompt")]
    [InlineData(4097, 1, "prompts")]
    [InlineData(4000, 1000, "samples")]
    public async Task Generate_WrongSizes_AreNamed(int prompts, int samples, string named)
    {
        await using TestServer server = await TestServer.StartAsync();
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{server.Grpc}");
        var request = new RolloutRequest { SamplesPerPrompt = samples };
        request.Prompts.AddRange(Enumerable.Range(0, prompts).Select(_ => new RolloutPrompt { Text = "x" }));
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => ReadAsync(new Rollout.RolloutClient(channel).Generate(request)));
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Contains(named, error.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task<List<RolloutSample>> ReadAsync(AsyncServerStreamingCall<RolloutSample> call)
    {
        using (call)
        {
            var samples = new List<RolloutSample>();
            await foreach (RolloutSample sample in call.ResponseStream.ReadAllAsync())
                samples.Add(sample);
            return samples;
        }
    }
}
