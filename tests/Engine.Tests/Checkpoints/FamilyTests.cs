using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>What each family's published config says, field by field.</summary>
public sealed class FamilyTests
{
    [Fact]
    public void Qwen3_IsNormedPerHead()
    {
        ModelSpec spec = PublishedConfigs.Read("qwen3-30b-a3b");

        Assert.Equal(("qwen3_moe", 2048, 48, 151_936, 40_960), (spec.Family, spec.HiddenSize, spec.LayerCount, spec.VocabularySize, spec.ContextLength));
        Assert.Equal(new GroupedAttentionSpec(32, 4, 128) { HeadNorm = HeadNorm.PerHead }, spec.Attention);
        Assert.Equal(new RopeSpec(1e6f, 128), spec.Rope);
        Assert.Equal(new RouterSpec(128, 8, true), spec.Router);
        Assert.Equal(new ExpertSpec(768), spec.Experts);
        Assert.Equal((NormKind.Rms, 1e-6f), (spec.Norm, spec.NormEpsilon));
        Assert.Equal(LayerSpec.Alike(48), spec.Layers);
        Assert.Equal([151_645], spec.EosTokenIds);
        Assert.Equal(151_643, spec.BosTokenId);
    }

    [Fact]
    public void Mixtral_IsPlain()
    {
        ModelSpec spec = PublishedConfigs.Read("mixtral-8x7b");

        Assert.Equal(new GroupedAttentionSpec(32, 8, 128), spec.Attention);
        Assert.Equal(new RouterSpec(8, 2, true), spec.Router);
        Assert.Equal(new ExpertSpec(14_336), spec.Experts);
        Assert.Null(spec.SharedExpert);
        Assert.Equal(1e-5f, spec.NormEpsilon);
    }

    [Fact]
    public void Dbrx_HasLayerNormAndAClamp()
    {
        ModelSpec spec = PublishedConfigs.Read("dbrx");

        Assert.Equal((6144, 40, 32_768), (spec.HiddenSize, spec.LayerCount, spec.ContextLength));
        Assert.Equal((NormKind.Layer, 1e-5f), (spec.Norm, spec.NormEpsilon));
        Assert.Equal(new GroupedAttentionSpec(48, 8, 128) { ClipQkv = 8f }, spec.Attention);
        Assert.Equal(new RopeSpec(500_000f, 128), spec.Rope);
        Assert.Equal(new RouterSpec(16, 4, true), spec.Router);
        Assert.Equal(new ExpertSpec(10_752), spec.Experts);
    }

    [Fact]
    public void Qwen2_HasBiasesAndAGatedSharedExpert()
    {
        ModelSpec spec = PublishedConfigs.Read("qwen1.5-moe-a2.7b");

        Assert.Equal(new GroupedAttentionSpec(16, 16, 128) { HasQkvBias = true }, spec.Attention);
        Assert.Equal(new RouterSpec(60, 4, false), spec.Router);
        Assert.Equal(new ExpertSpec(1408), spec.Experts);
        Assert.Equal(new SharedExpertSpec(5632, HasGate: true), spec.SharedExpert);
        Assert.Equal(LayerSpec.Alike(24), spec.Layers);
    }

    [Fact]
    public void Olmoe_IsNormedAsAWholeRow()
    {
        ModelSpec spec = PublishedConfigs.Read("olmoe-1b-7b");

        Assert.Equal(new GroupedAttentionSpec(16, 16, 128) { HeadNorm = HeadNorm.WholeRow }, spec.Attention);
        Assert.Equal(new RouterSpec(64, 8, false), spec.Router);
        Assert.Equal(new ExpertSpec(1024), spec.Experts);
    }

    [Fact]
    public void DeepSeekV2Lite_HasNoQueryRankAndNoGroups()
    {
        ModelSpec spec = PublishedConfigs.Read("deepseek-v2-lite");
        double magnitude = (0.1 * 0.707 * Math.Log(40)) + 1;

        var attention = Assert.IsType<LatentAttentionSpec>(spec.Attention);
        Assert.Equal((16, 0, 512, 128, 64, 128), (attention.HeadCount, attention.QueryRank, attention.KvRank, attention.NopeDim, attention.RopeDim, attention.ValueHeadDim));
        Assert.Equal(magnitude * magnitude / Math.Sqrt(192), attention.Scale, 1e-7);
        Assert.Equal(576, attention.CachedWidth);
        Assert.True(spec.Rope.IsAdjacent);
        Assert.Equal((10_000f, 64), (spec.Rope.Theta, spec.Rope.RotaryDim));
        Assert.Equal(new YarnSpec(40f, 4096, 32f, 1f, true, 1f), spec.Rope.Yarn);
        Assert.Equal(new RouterSpec(64, 6, false), spec.Router);
        Assert.Equal(new SharedExpertSpec(2816, HasGate: false), spec.SharedExpert);
        Assert.Equal([true, .. Enumerable.Repeat(false, 26)], spec.Layers.Select(layer => layer.IsDense));
        Assert.Equal(10_944, spec.DenseWidth);
    }

    [Fact]
    public void DeepSeekV2_ChoosesGroupsByTheirBest()
    {
        ModelSpec spec = PublishedConfigs.Read("deepseek-v2");

        Assert.Equal(new RouterSpec(160, 6, false) { Groups = 8, TopGroups = 3, GroupScore = GroupScore.Maximum, Scaling = 16f }, spec.Router);
        Assert.Equal(1536, ((LatentAttentionSpec)spec.Attention).QueryRank);
    }

    [Fact]
    public void DeepSeekV3_ChoosesGroupsByTheirTwoBestCorrected()
    {
        ModelSpec spec = PublishedConfigs.Read("deepseek-v3");
        double magnitude = (0.1 * Math.Log(40)) + 1;

        Assert.Equal(
            new RouterSpec(256, 8, true) { Score = RouterScore.Sigmoid, HasCorrection = true, Groups = 8, TopGroups = 4, GroupScore = GroupScore.TopTwo, Scaling = 2.5f },
            spec.Router);
        Assert.Equal(magnitude * magnitude / Math.Sqrt(192), spec.Attention.Scale, 1e-7);
        Assert.Equal(1f, spec.Rope.Yarn!.AttentionFactor);
        Assert.Equal(3, spec.Layers.Count(layer => layer.IsDense));
        Assert.Equal(NumberType.Float8E4M3, spec.Weights.Quantized);
        Assert.Equal(163_840, spec.ContextLength);
    }

    [Fact]
    public void KimiK2_IsDeepSeekV3WithoutGroups()
    {
        ModelSpec spec = PublishedConfigs.Read("kimi-k2");

        Assert.Equal("kimi_k2", spec.Family);
        Assert.Equal((384, 8, 1, 2.827f), (spec.Router.ExpertCount, spec.Router.ExpertsPerToken, spec.Router.Groups, spec.Router.Scaling));
        Assert.Equal(new YarnSpec(32f, 4096, 1f, 1f, true, 1f), spec.Rope.Yarn);
    }

    [Fact]
    public void GptOss_HasWindowsSinksBiasesAndAClampedActivation()
    {
        ModelSpec spec = PublishedConfigs.Read("gpt-oss-20b");

        Assert.Equal(new GroupedAttentionSpec(64, 8, 64) { HasQkvBias = true, HasOutputBias = true, HasSinks = true }, spec.Attention);
        Assert.Equal(Enumerable.Range(0, 24).Select(layer => new LayerSpec(false, layer % 2 == 0 ? 128 : 0)), spec.Layers);
        Assert.Equal(new YarnSpec(32f, 4096, 32f, 1f, false, (float)((0.1 * Math.Log(32)) + 1)), spec.Rope.Yarn);
        Assert.Equal(new RouterSpec(32, 4, true) { HasBias = true }, spec.Router);
        Assert.Equal(new ExpertSpec(2880) { Activation = Activation.ClampedSwiglu, Alpha = 1.702f, Limit = 7f, HasBias = true }, spec.Experts);
        Assert.Equal(new WeightFormat(NumberType.BFloat16) { Quantized = NumberType.MxFloat4 }, spec.Weights);
    }

    [Fact]
    public void Glm45_RotatesHalfOfAHead()
    {
        ModelSpec spec = PublishedConfigs.Read("glm-4.5");

        Assert.Equal(new GroupedAttentionSpec(96, 8, 128) { HeadNorm = HeadNorm.PerHead, HasQkvBias = true }, spec.Attention);
        Assert.Equal(new RopeSpec(1e6f, 64), spec.Rope);
        Assert.Equal(
            new RouterSpec(160, 8, true) { Score = RouterScore.Sigmoid, HasCorrection = true, GroupScore = GroupScore.TopTwo, Scaling = 2.5f }, spec.Router);
        Assert.Equal(new SharedExpertSpec(1536, HasGate: false), spec.SharedExpert);
        Assert.Equal((3, 12_288), (spec.Layers.Count(layer => layer.IsDense), spec.DenseWidth));
        Assert.Equal(HeadNorm.None, ((GroupedAttentionSpec)PublishedConfigs.Read("glm-4.5-air").Attention).HeadNorm);
    }

    [Theory]
    [InlineData("minimax_m2")]
    [InlineData("minimax")]
    public void MiniMaxM2_IsNormedAsAWholeRowAndRotatesHalf(string modelType)
    {
        ModelSpec spec = PublishedConfigs.Parse(PublishedConfigs.Text("minimax-m2").Replace("\"minimax_m2\"", $"\"{modelType}\""));

        Assert.Equal(new GroupedAttentionSpec(48, 8, 128) { HeadNorm = HeadNorm.WholeRow }, spec.Attention);
        Assert.Equal(new RopeSpec(5e6f, 64), spec.Rope);
        Assert.Equal(new RouterSpec(256, 8, true) { Score = RouterScore.Sigmoid, HasCorrection = true }, spec.Router);
        Assert.Equal(NumberType.Float8E4M3, spec.Weights.Quantized);
    }
}
