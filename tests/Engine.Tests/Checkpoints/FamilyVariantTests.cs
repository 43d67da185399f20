using System.Text.Json.Nodes;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>Fields that families have and their published configs leave at the usual value: honoured, or refused by name.</summary>
public sealed class FamilyVariantTests
{
    [Theory]
    [InlineData("[]", 1, new bool[] { false, false, false, false })]
    [InlineData("[1,3]", 1, new bool[] { false, true, false, true })]
    [InlineData("[]", 2, new bool[] { true, false, true, false })]
    [InlineData("[1]", 2, new bool[] { true, true, true, false })]
    public void QwenDenseLayers_AreListedOrBetweenSteps(string list, int step, bool[] expected)
    {
        ModelSpec spec = Read("qwen3-30b-a3b", ("num_hidden_layers", "4"), ("mlp_only_layers", list), ("decoder_sparse_step", $"{step}"));

        Assert.Equal(expected, spec.Layers.Select(layer => layer.IsDense));
        Assert.Equal(expected.Contains(true) ? 6144 : 0, spec.DenseWidth);
    }

    [Fact]
    public void QwenDenseLayers_AllOfThem_AreRefused() => AssertRefused("qwen3-30b-a3b", "num_hidden_layers", ("num_hidden_layers", "2"), ("mlp_only_layers", "[0,1]"));

    [Theory]
    [InlineData("true", null, new int[] { 100, 0, 100, 0, 0, 0 })] // even layers below max_window_layers, as the hub's code has it
    [InlineData("true", """["full_attention","sliding_attention","full_attention","full_attention","full_attention","sliding_attention"]""", new int[] { 0, 100, 0, 0, 0, 100 })]
    [InlineData("false", null, new int[] { 0, 0, 0, 0, 0, 0 })]
    public void Qwen2Window_IsInTheLayersThatAreListedOrMeant(string isUsed, string? types, int[] expected)
    {
        ModelSpec spec = Read(
            "qwen1.5-moe-a2.7b",
            ("num_hidden_layers", "6"), ("use_sliding_window", isUsed), ("sliding_window", "100"), ("max_window_layers", "4"), ("layer_types", types ?? "null"));

        Assert.Equal(expected, spec.Layers.Select(layer => layer.Window));
    }

    [Theory]
    [InlineData("\"sliding_attention\"")]
    [InlineData("[\"sliding_attention\"]")]
    [InlineData("[\"chunked_attention\",\"full_attention\"]")]
    public void GptOssLayerTypes_Wrong_AreNamed(string types) => AssertRefused("gpt-oss-20b", "layer_types", ("num_hidden_layers", "2"), ("layer_types", types));

    [Fact]
    public void GptOssLayerTypes_Absent_AreEveryOtherLayer() =>
        Assert.Equal([128, 0, 128], Read("gpt-oss-20b", ("num_hidden_layers", "3"), ("layer_types", "null")).Layers.Select(layer => layer.Window));

    [Fact]
    public void GptOss_WithoutRopeScaling_IsRefusedSinceItsCodeHasAnotherDefault() => AssertRefused("gpt-oss-20b", "rope_scaling", ("rope_scaling", "null"));

    [Fact]
    public void GptOssActivation_IsStatedByNewerConfigs()
    {
        ExpertSpec experts = Read("gpt-oss-20b", ("swiglu_limit", "5.5"), ("swiglu_alpha", "1.5")).Experts;

        Assert.Equal((5.5f, 1.5f), (experts.Limit, experts.Alpha));
    }

    [Fact]
    public void OlmoeClamp_IsHonoured() => Assert.Equal(8f, ((GroupedAttentionSpec)Read("olmoe-1b-7b", ("clip_qkv", "8.0")).Attention).ClipQkv);

    [Theory]
    [InlineData("qwen3-30b-a3b", true)]
    [InlineData("olmoe-1b-7b", true)]
    [InlineData("glm-4.5", false)]
    public void AttentionBias_IsHonouredWhereTheFamilyHasIt(string name, bool hasOutputBias)
    {
        var attention = (GroupedAttentionSpec)Read(name, ("attention_bias", "true")).Attention;

        Assert.True(attention.HasQkvBias);
        Assert.Equal(hasOutputBias, attention.HasOutputBias);
    }

    [Theory]
    [InlineData("mixtral-8x7b", "attention_bias", "true")]
    [InlineData("deepseek-v3", "attention_bias", "true")]
    [InlineData("deepseek-v3", "topk_method", "\"greedy\"")]
    [InlineData("deepseek-v3", "scoring_func", "\"softmax\"")]
    [InlineData("deepseek-v2", "topk_method", "\"noaux_tc\"")]
    [InlineData("deepseek-v2", "num_key_value_heads", "16")]
    [InlineData("dbrx", "ffn_config.moe_normalize_expert_weights", "2")]
    [InlineData("dbrx", "ffn_config.moe_normalize_expert_weights", "null")]
    [InlineData("dbrx", "ffn_config.ffn_act_fn", """{"name":"gelu"}""")]
    [InlineData("dbrx", "tie_word_embeddings", "true")]
    [InlineData("qwen1.5-moe-a2.7b", "hidden_act", "\"relu\"")]
    [InlineData("qwen3-30b-a3b", "use_qk_norm", "false")]
    [InlineData("minimax-m2", "qk_norm_type", "\"per_head\"")]
    [InlineData("minimax-m2", "use_routing_bias", "false")]
    [InlineData("minimax-m2", "attn_type_list", "[1,0]")]
    [InlineData("minimax-m2", "shared_intermediate_size", "1024")]
    [InlineData("minimax-m2", "layernorm_mlp_beta", "3.5")]
    [InlineData("glm-4.5", "scoring_func", "\"softmax\"")]
    [InlineData("gpt-oss-20b", "n_shared_experts", "1")]
    public void Variant_ThatNoBlockComputes_IsRefusedByName(string name, string field, string value)
    {
        string message = AssertRefused(name, field, (field, value));

        Assert.Contains("not supported", message);
    }

    [Theory]
    [InlineData("deepseek-v3", "n_group", "7")]
    [InlineData("deepseek-v3", "n_group", "256")]
    [InlineData("deepseek-v3", "topk_group", "9")]
    [InlineData("deepseek-v2", "qk_rope_head_dim", "63")]
    [InlineData("deepseek-v3", "partial_rotary_factor", "0.5")]
    [InlineData("deepseek-v3", "kv_lora_rank", "null")]
    [InlineData("gpt-oss-20b", "hidden_size", "2881")]
    [InlineData("gpt-oss-20b", "intermediate_size", "2896")]
    [InlineData("minimax-m2", "rotary_dim", "130")]
    [InlineData("dbrx", "attn_config", "3")]
    [InlineData("scaled-moe", "intermediate_size", "1048576000")]
    public void Field_ThatCannotBe_IsNamed(string name, string field, string value) => AssertRefused(name, field, (field, value));

    [Theory]
    [InlineData("true", 1f)]
    [InlineData("false", 16f)]
    public void DeepSeekV2_NormalisedWeights_AreNotScaled(string isNormalized, float scaling) =>
        Assert.Equal(scaling, Read("deepseek-v2", ("norm_topk_prob", isNormalized)).Router.Scaling);

    [Fact]
    public void DeepSeekV3_GroupsThatAreAllChosen_AreNoGroups() => Assert.Equal(1, Read("deepseek-v3", ("topk_group", "8")).Router.Groups);

    [Theory]
    [InlineData("""{"type":"yarn","factor":40,"mscale":1.0,"mscale_all_dim":1.0,"original_max_position_embeddings":4096}""", 1.0, true)]
    [InlineData("""{"type":"yarn","factor":40,"mscale":0.5,"mscale_all_dim":1.0,"original_max_position_embeddings":4096}""", 0.86526, true)]
    [InlineData("""{"type":"yarn","factor":40,"original_max_position_embeddings":4096}""", 1.36889, false)]
    [InlineData("""{"type":"yarn","factor":40,"mscale":0.707,"original_max_position_embeddings":4096}""", 1.26080, false)]
    public void DeepSeekYarn_MultipliesCosinesByOneRatioAndScoresByAnother(string scaling, double factor, bool scalesScores)
    {
        ModelSpec spec = Read("deepseek-v3", ("rope_scaling", scaling));
        double magnitude = (0.1 * Math.Log(40)) + 1;

        Assert.Equal(factor, spec.Rope.Yarn!.AttentionFactor, 1e-4);
        Assert.Equal(scalesScores ? magnitude * magnitude : 1, ((LatentAttentionSpec)spec.Attention).ScaleFactor, 1e-5);
    }

    private static ModelSpec Read(string name, params (string Field, string Value)[] changes) => PublishedConfigs.Parse(Change(name, changes));

    private static string AssertRefused(string name, string field, params (string Field, string Value)[] changes)
    {
        CheckpointException error = Assert.Throws<CheckpointException>(() => PublishedConfigs.Parse(Change(name, changes)));
        Assert.Contains($"\"{field}", error.Message);
        Assert.EndsWith(".", error.Message);
        return error.Message;
    }

    private static string Change(string name, (string Field, string Value)[] changes)
    {
        JsonObject json = JsonNode.Parse(PublishedConfigs.Text(name))!.AsObject();
        foreach ((string field, string value) in changes)
        {
            string[] path = field.Split('.');
            path[..^1].Aggregate(json, (node, part) => node[part]!.AsObject())[path[^1]] = JsonNode.Parse(value);
        }

        return json.ToJsonString();
    }
}
