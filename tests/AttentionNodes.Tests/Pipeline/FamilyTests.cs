using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using MegaInfer.Engine.Requests;
using MegaInfer.M2N;
using MegaInfer.Rl.Tests.Oracle.Tiny;
using Xunit;

namespace MegaInfer.AttentionNodes.Tests.Pipeline;

/// <summary>Every family's blocks on the attention side, with its stored types: the bits are the reference's.</summary>
public sealed class FamilyTests
{
    // Longer than every tiny window, and cut inside a block.
    private static readonly GenerationRequest Watched = Prompts.Of(1, length: 37, maxTokens: 8, temperature: 0.8f) with { TopLogProbs = 2, PromptLogits = true };

    // DBRX with another norm of the chosen weights is refused by name.
    public static TheoryData<string> Variants => [.. TinyModels.All.Where(variant => variant != "dbrx_norm2")];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Run_AsStored_EqualsTheReference(string variant)
    {
        using TinyModel model = TinyModel.OfFamily(variant);
        Check(model, NumberType.BFloat16, microBatches: 2);
    }

    [Theory]
    [InlineData("deepseek_v3", NumberType.Float32)] // FP8
    [InlineData("deepseek_v3", NumberType.BFloat16)]
    [InlineData("gpt_oss", NumberType.Float32)] // MXFP4
    [InlineData("gpt_oss", NumberType.BFloat16)]
    [InlineData("qwen2_moe", NumberType.Float32)]
    public void Run_PackedAsAsked_EqualsTheReference(string variant, NumberType packed)
    {
        using TinyModel model = TinyModel.OfFamily(variant, packed);
        Assert.Contains(packed, model.Weights.Types);
        Assert.DoesNotContain(NumberType.Float8E4M3, model.Weights.Types);
        Check(model, NumberType.Float32, microBatches: 1);
    }

    [Fact]
    public void Run_WithDenseLayersAndSharedExpertsThatFailNowAndThen_ReplaysToTheSameBits()
    {
        using TinyModel model = TinyModel.OfFamily("deepseek_v3");
        using var rig = new LoopRig(model, LoopRig.Options with { MicroBatches = 3, MaxChunkRows = 16 });
        int combines = 0;
        rig.Twin.OnCombine = () => ++combines % 7 == 0 ? M2NStatus.PeerLost : M2NStatus.Ok;
        rig.Loop.Submit(Watched);
        rig.RunToIdle();
        Assert.True(rig.Loop.Metrics.Replays > 0);
        Assert.Equal(Prompts.Bits(model.Reference(NumberType.BFloat16).Generate(Watched).Tokens), Prompts.Bits(rig.Tokens[Watched.Id]));
    }

    private static void Check(TinyModel model, NumberType kvType, int microBatches)
    {
        using var rig = new LoopRig(model, LoopRig.Options with { KvType = kvType, MicroBatches = microBatches, MaxChunkRows = 11, HasPrefixCache = false });
        rig.Loop.Submit(Prompts.Of(2, length: 9, maxTokens: 20, content: 2));
        rig.Turn();
        rig.Loop.Submit(Watched);
        rig.RunToIdle();

        ReferenceModel reference = model.Reference(kvType);
        float[] logits = [.. reference.Logits(Watched.PromptTokens.Span).SelectMany(row => row)];
        Assert.Equal(logits, rig.PromptLogits[Watched.Id]);
        ReferenceGeneration expected = reference.Generate(Watched);
        Assert.Equal(Prompts.Bits(expected.Tokens), Prompts.Bits(rig.Tokens[Watched.Id]));
    }
}
