using System.Text.Json.Nodes;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

public sealed class ModelConfigTests : IDisposable
{
    private static readonly string Qwen3 = PublishedConfigs.Text("qwen3-30b-a3b");
    private static readonly string Mixtral = PublishedConfigs.Text("mixtral-8x7b");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("hidden_act", "\"gelu\"")]
    [InlineData("rope_scaling", """{"type":"dynamic","factor":2.0}""")]
    [InlineData("rope_scaling", """{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0}""")]
    [InlineData("rope_scaling", """{"rope_type":"longrope","short_factor":[1.0],"long_factor":[1.0]}""")]
    [InlineData("rope_scaling", """{"rope_type":"default","mrope_section":[16,24,24]}""")]
    [InlineData("rope_scaling", """{"rope_type":"yarn","factor":4.0,"extrapolation_factor":2.0}""")]
    [InlineData("rope_parameters", """{"full_attention":{"rope_theta":10000.0},"sliding_attention":{"rope_theta":1000.0}}""")]
    [InlineData("layer_types", """["full_attention","sliding_attention"]""")]
    [InlineData("layer_types", """["linear_attention"]""")]
    [InlineData("quantization_config", """{"quant_method":"gptq","bits":4}""")]
    [InlineData("quantization_config", """{"quant_method":"mxfp4"}""")]
    [InlineData("quantization_config.weight_block_size", """[64,64]""")]
    [InlineData("quantization_config.activation_scheme", "\"static\"")]
    [InlineData("architectures", """["Qwen3MoeForSequenceClassification"]""")]
    [InlineData("shared_expert_intermediate_size", "512")]
    [InlineData("final_logit_softcapping", "30.0")]
    [InlineData("scoring_func", "\"sigmoid\"")]
    [InlineData("n_group", "8")]
    [InlineData("swiglu_limit", "7.0")]
    public void Read_VariantThatChangesTheComputation_IsRefusedByName(string field, string value)
    {
        string config = field.StartsWith("quantization_config.", StringComparison.Ordinal)
            ? With(With(Qwen3, "quantization_config", """{"quant_method":"fp8","weight_block_size":[128,128]}"""), field, value)
            : With(Qwen3, field, value);

        CheckpointException error = Assert.Throws<CheckpointException>(() => Read(config));

        Assert.Contains($"\"{field}\"", error.Message);
        Assert.Contains("not supported", error.Message);
        Assert.EndsWith(".", error.Message);
    }

    [Theory]
    [InlineData("vocab_size", "null")]
    [InlineData("vocab_size", "\"many\"")]
    [InlineData("hidden_size", "0")]
    [InlineData("hidden_size", "-5")]
    [InlineData("hidden_size", "1e30")]
    [InlineData("num_hidden_layers", "1.5")]
    [InlineData("num_key_value_heads", "5")]
    [InlineData("num_key_value_heads", "64")]
    [InlineData("num_experts_per_tok", "129")]
    [InlineData("head_dim", "33")]
    [InlineData("rms_norm_eps", "0")]
    [InlineData("rope_theta", "\"big\"")]
    [InlineData("tie_word_embeddings", "1")]
    [InlineData("eos_token_id", "[151936]")]
    [InlineData("eos_token_id", "\"end\"")]
    [InlineData("model_type", "null")]
    public void Read_WrongValue_NamesFieldAndFile(string field, string value)
    {
        CheckpointException error = Assert.Throws<CheckpointException>(() => Read(With(Qwen3, field, value)));

        Assert.Contains($"\"{field}\"", error.Message);
        Assert.Contains(_folder["config.json"], error.Message);
    }

    [Theory]
    [InlineData("""{"num_experts":8}""", "no family describes it")]
    [InlineData("""{"hidden_size":8}""", "no experts")]
    [InlineData("""{"num_experts":8,"layer_types":["linear_attention","full_attention"]}""", "needs linear attention (\"layer_types\")")]
    [InlineData("""{"num_experts":8,"linear_num_key_heads":4}""", "needs linear attention")]
    [InlineData("""{"num_experts":8,"mamba_d_state":16}""", "needs state-space (Mamba) layers (\"mamba_d_state\")")]
    [InlineData("""{"num_experts":8,"is_encoder_decoder":true}""", "needs cross attention")]
    [InlineData("""{"n_routed_experts":8,"index_topk":2048}""", "needs sparse attention by an indexer")]
    [InlineData("""{"n_routed_experts":8,"scoring_func":"sqrtsoftplus"}""", "needs a router that is neither softmax nor sigmoid (\"scoring_func\")")]
    [InlineData("""{"num_local_experts":8,"attention_chunk_size":8192}""", "needs attention in chunks")]
    [InlineData("""{"text_config":{},"vision_config":{}}""", "needs an encoder of pictures or sound")]
    public void Read_UnknownFamily_NamesTheMissingBlock(string config, string reason)
    {
        CheckpointException error = Assert.Throws<CheckpointException>(() => Read(With(config, "model_type", "\"other\"")));

        Assert.Contains("\"other\" is not supported", error.Message);
        Assert.Contains(reason, error.Message);
        Assert.Contains("supported: qwen3_moe, mixtral", error.Message);
    }

    [Theory]
    [InlineData("4096", true, 4096)]
    [InlineData("4096", false, 0)]
    [InlineData("40960", true, 0)]
    public void Read_Qwen3SlidingWindow_CountsInEveryLayerWhereItCanMatter(string window, bool isUsed, int expected)
    {
        string config = With(With(Qwen3, "sliding_window", window), "use_sliding_window", isUsed ? "true" : "false");

        Assert.All(Read(config).Layers, layer => Assert.Equal(expected, layer.Window));
    }

    [Fact]
    public void Read_MixtralSlidingWindow_CountsByItself() =>
        Assert.All(Read(With(Mixtral, "sliding_window", "4096")).Layers, layer => Assert.Equal(4096, layer.Window));

    [Fact]
    public void Read_RopeParameters_AreTheNewSpelling()
    {
        JsonObject config = JsonNode.Parse(Qwen3)!.AsObject();
        config.Remove("rope_theta");
        config["rope_parameters"] = JsonNode.Parse("""{"rope_type":"default","rope_theta":5000000.0,"partial_rotary_factor":0.5}""");

        Assert.Equal(new RopeSpec(5e6f, 64), Read(config.ToJsonString()).Rope);
    }

    [Fact]
    public void Read_AbsentFields_TakeTheFamilysDefaults()
    {
        JsonObject config = JsonNode.Parse(Mixtral)!.AsObject();
        config.Remove("rope_theta");
        config.Remove("rms_norm_eps");
        Assert.Equal(1e6f, Read(config.ToJsonString()).Rope.Theta);

        config = JsonNode.Parse(Qwen3)!.AsObject();
        config.Remove("norm_topk_prob");
        config.Remove("head_dim");
        ModelSpec spec = Read(config.ToJsonString());
        Assert.False(spec.Router.IsNormalized);
        Assert.Equal(64, spec.Attention.KeyDim);
    }

    [Fact]
    public void Read_GenerationConfig_AddsItsEndTokens()
    {
        File.WriteAllText(_folder["generation_config.json"], """{"eos_token_id":[151645,151643]}""");

        Assert.Equal([151_643, 151_645], Read(Qwen3).EosTokenIds);
    }

    [Fact]
    public void Read_MissingFolderOrConfig_IsOneSentence()
    {
        Assert.Contains("does not exist", Assert.Throws<CheckpointException>(() => ModelConfig.Read(_folder["nowhere"])).Message);
        Assert.Contains("config.json is missing", Assert.Throws<CheckpointException>(() => ModelConfig.Read(_folder.Path)).Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"model_type\": \"\\ud800\"}")]
    public void Read_BrokenJson_IsOneSentence(string text) =>
        Assert.Contains("config.json", Assert.Throws<CheckpointException>(() => Read(text)).Message);

    private ModelSpec Read(string config)
    {
        File.WriteAllText(_folder["config.json"], config);
        return ModelConfig.Read(_folder.Path);
    }

    private static string With(string config, string field, string value)
    {
        JsonObject json = JsonNode.Parse(config)!.AsObject();
        string[] path = field.Split('.');
        JsonObject parent = path[..^1].Aggregate(json, (node, name) => node[name]!.AsObject());
        parent[path[^1]] = JsonNode.Parse(value);
        return json.ToJsonString();
    }
}
