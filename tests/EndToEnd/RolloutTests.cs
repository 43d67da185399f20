using Grpc.Core;
using Grpc.Net.Client;
using MegaInfer.Proto;
using Xunit;

namespace MegaInfer.EndToEnd;

/// <summary>What an RL trainer relies on: every sample once, and again from its seed.</summary>
public sealed class RolloutTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const int PromptCount = 32;
    private const int SampleCount = 8;

    [Fact]
    public async Task Generate_32PromptsBy8Samples_ArriveOnceEachAndRepeatBitForBit()
    {
        using var channel = GrpcChannel.ForAddress($"http://{shared.Server.Grpc}");
        var client = new Rollout.RolloutClient(channel);
        IReadOnlyList<RolloutSample> first = await SamplesAsync(client);
        IReadOnlyList<RolloutSample> second = await SamplesAsync(client);

        Assert.Equal(PromptCount * SampleCount, first.Count);
        Assert.Equal(PromptCount * SampleCount, first.Select(sample => (sample.PromptIndex, sample.SampleIndex)).Distinct().Count());
        Assert.All(first, sample => Assert.True(sample.FinishReason is FinishReason.Stop or FinishReason.Length, sample.Message));
        Assert.All(first, sample => Assert.Equal(sample.TokenIds.Count, sample.LogProbs.Count));
        Assert.All(first, sample => Assert.Equal(sample.TokenIds.Count, sample.Versions.Sum(span => span.Tokens)));
        Assert.Equal(Key(first), Key(second));
        Assert.True(first.Select(sample => string.Join(',', sample.TokenIds)).Distinct().Count() > PromptCount, "samples of a prompt differ");

        // One sample alone, asked for by its seed through the other service, has the same tokens and the same bits.
        RolloutSample one = first[^1];
        var inference = new Inference.InferenceClient(channel);
        var request = new GenerateRequest
        {
            Tokens = new TokenIds { Ids = { one.PromptTokenIds } },
            Sampling = new Sampling { Temperature = 1, Seed = one.Seed },
            SampleIndex = one.SampleIndex,
            Limits = new Limits { MaxTokens = 48 },
        };
        using AsyncServerStreamingCall<GenerateResponse> call = inference.Generate(request);
        var tokens = new List<Token>();
        await foreach (GenerateResponse response in call.ResponseStream.ReadAllAsync())
            tokens.AddRange(response.Tokens?.Tokens_ ?? []);
        Assert.Equal(one.TokenIds, tokens.Select(token => token.Id));
        Assert.Equal(one.LogProbs, tokens.Select(token => token.LogProb));
    }

    private static async Task<IReadOnlyList<RolloutSample>> SamplesAsync(Rollout.RolloutClient client)
    {
        var request = new RolloutRequest
        {
            SamplesPerPrompt = SampleCount,
            RunSeed = 20,
            Sampling = new Sampling { Temperature = 1 },
            Limits = new Limits { MaxTokens = 48 },
        };
        for (int i = 0; i < PromptCount; i++)
            request.Prompts.Add(new RolloutPrompt { Id = $"p{i}", Text = $"<|im_start|>user\nWhat is {1000 + (137 * i)} + {90 - i} - {700 + (13 * i)}?<|im_end|>\n<|im_start|>assistant\n" });
        using AsyncServerStreamingCall<RolloutSample> call = client.Generate(request, deadline: null);
        var samples = new List<RolloutSample>();
        await foreach (RolloutSample sample in call.ResponseStream.ReadAllAsync())
            samples.Add(sample);
        return samples;
    }

    private static IEnumerable<string> Key(IEnumerable<RolloutSample> samples) => samples
        .OrderBy(sample => sample.PromptIndex).ThenBy(sample => sample.SampleIndex)
        .Select(sample => $"{sample.PromptIndex}/{sample.SampleIndex}/{sample.Seed}: {string.Join(',', sample.TokenIds)} "
            + string.Join(',', sample.LogProbs.Select(value => BitConverter.SingleToInt32Bits(value))));
}
