using MegaInfer.Engine;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using MegaInfer.Engine.Requests;
using MegaInfer.M2N;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

/// <summary>The golden rule on the attention side: a sequence's bits are the reference's, whatever runs beside it and however its rows are cut.</summary>
public sealed class PingPongPipelineTests(TinyModel model) : IClassFixture<TinyModel>
{
    private static readonly GenerationRequest Watched = Prompts.Of(1, length: 37, maxTokens: 12);

    private readonly Lazy<string> _expected = new(() => Prompts.Bits(model.Reference(NumberType.BFloat16).Generate(Watched).Tokens));

    private static string BitsOf(LoopRig rig, GenerationRequest request) => Prompts.Bits(rig.Tokens[request.Id]);

    [Theory]
    [InlineData("qwen3_moe", NumberType.BFloat16, NumberType.BFloat16, 0f)]
    [InlineData("qwen3_moe", NumberType.Float32, NumberType.Float32, 0.8f)]
    [InlineData("mixtral", NumberType.BFloat16, NumberType.Float32, 0.8f)]
    public void Run_Alone_EqualsTheReference(string family, NumberType stored, NumberType kvType, float temperature)
    {
        using var own = new TinyModel(family, stored);
        GenerationRequest request = Prompts.Of(1, length: 21, maxTokens: 10, temperature) with { TopLogProbs = 3 };
        using var rig = new LoopRig(own, LoopRig.Options with { KvType = kvType });
        rig.Loop.Submit(request);
        rig.RunToIdle();

        ReferenceGeneration expected = own.Reference(kvType).Generate(request);
        Assert.Equal(Prompts.Bits(expected.Tokens), BitsOf(rig, request));
        Assert.Equal(expected.Tokens.Select(token => token.TopLogProbs), rig.Tokens[request.Id].Select(token => token.TopLogProbs));
        Assert.Equal(FinishReason.Length, rig.Ends[request.Id].Reason);
    }

    [Theory]
    [InlineData(1, 64, 1)]
    [InlineData(1, 5, 1)]
    [InlineData(2, 64, 1)]
    [InlineData(3, 7, 6)]
    [InlineData(4, 16, 6)]
    [InlineData(0, 16, 8)]
    public void Run_InAnyCut_EqualsTheReference(int microBatches, int chunkRows, int sequences)
    {
        using var rig = new LoopRig(model, LoopRig.Options with { MicroBatches = microBatches, MaxChunkRows = chunkRows, MinimumMicroBatchRows = 1 });
        for (int other = 2; other <= sequences; other++)
            rig.Loop.Submit(Prompts.Of(other, length: other * 9, maxTokens: 3 + other, content: other));
        rig.Turn();
        rig.Loop.Submit(Watched);
        rig.RunToIdle();
        Assert.Equal(_expected.Value, BitsOf(rig, Watched));
    }

    [Fact]
    public void Run_AfterAPrefixHit_EqualsTheReference()
    {
        using var rig = new LoopRig(model, LoopRig.Options with { HasPrefixCache = true });
        rig.Loop.Submit(Watched with { Id = new SequenceId(7), MaxTokens = 3 });
        rig.RunToIdle();
        rig.Loop.Submit(Watched);
        rig.RunToIdle();
        Assert.Equal(32, rig.Ends[Watched.Id].CachedTokens);
        Assert.Equal(_expected.Value, BitsOf(rig, Watched));
    }

    [Fact]
    public void Run_AfterPreemption_EqualsTheReference()
    {
        // Both fit when they start, and outgrow the cache together.
        using var rig = new LoopRig(model, LoopRig.Options with { KvBlocks = 7 });
        GenerationRequest older = Prompts.Of(2, length: 46, maxTokens: 40, content: 2);
        GenerationRequest younger = Watched with { MaxTokens = 40 };
        rig.Loop.Submit(older);
        rig.Loop.Submit(younger);
        rig.RunToIdle();
        Assert.True(rig.Loop.Metrics.Preemptions > 0);
        Assert.Equal(Prompts.Bits(model.Reference(NumberType.BFloat16).Generate(younger).Tokens), BitsOf(rig, younger));
        Assert.Equal(Prompts.Bits(model.Reference(NumberType.BFloat16).Generate(older).Tokens), BitsOf(rig, older));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Run_WhenExpertsFailNowAndThen_ReplaysToTheSameBits(int microBatches)
    {
        using var rig = new LoopRig(model, LoopRig.Options with { MicroBatches = microBatches, MaxChunkRows = 16 });
        int combines = 0;
        rig.Twin.OnCombine = () => ++combines % 7 == 0 ? M2NStatus.PeerLost : M2NStatus.Ok;
        rig.Loop.Submit(Watched);
        rig.RunToIdle();
        Assert.True(rig.Loop.Metrics.Replays > 0);
        Assert.Equal(_expected.Value, BitsOf(rig, Watched));
    }

    [Fact]
    public void Run_ResumedElsewhere_ContinuesWithTheSameBits()
    {
        using var rig = new LoopRig(model);
        rig.Loop.Submit(Watched);
        rig.RunToIdle();
        int[] emitted = [.. rig.Tokens[Watched.Id].Take(5).Select(token => token.Id)];
        GenerationRequest moved = Watched with { Id = new SequenceId(2), ResumedTokens = emitted };
        rig.Loop.Submit(moved);
        rig.RunToIdle();
        Assert.Equal(Prompts.Bits(rig.Tokens[Watched.Id].Skip(5)), BitsOf(rig, moved));
    }

    [Theory]
    [InlineData(64, 3)]
    [InlineData(10, 0)]
    public void Run_WithPromptLogits_ReturnsThoseOfTheReference(int chunkRows, int maxTokens)
    {
        GenerationRequest request = Prompts.Of(1, length: 23, maxTokens) with { PromptLogits = true };
        using var rig = new LoopRig(model, LoopRig.Options with { MaxChunkRows = chunkRows, HasPrefixCache = true });
        rig.Loop.Submit(request with { Id = new SequenceId(9) });
        rig.RunToIdle();
        rig.Loop.Submit(request);
        rig.RunToIdle();
        float[] expected = [.. model.Reference(NumberType.BFloat16).Logits(request.PromptTokens.Span).SelectMany(row => row)];
        Assert.Equal(expected, rig.PromptLogits[request.Id]);
        Assert.Equal(maxTokens, rig.Tokens[request.Id].Count);
        Assert.Equal(FinishReason.Length, rig.Ends[request.Id].Reason);
    }
}
