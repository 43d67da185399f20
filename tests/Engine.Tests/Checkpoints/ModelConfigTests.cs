using System.Text.Json.Nodes;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

public sealed class ModelConfigTests : IDisposable
{
    // As published for Qwen3-30B-A3B and Mixtral-8x7B.
    private const string Qwen3 = """
        {"architectures":["Qwen3MoeForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":151643,"decoder_sparse_step":1,
        "eos_token_id":151645,"head_dim":128,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,"intermediate_size":6144,
        "max_position_embeddings":40960,"max_window_layers":48,"mlp_only_layers":[],"model_type":"qwen3_moe","moe_intermediate_size":768,
        "norm_topk_prob":true,"num_attention_heads":32,"num_experts":128,"num_experts_per_tok":8,"num_hidden_layers":48,"num_key_value_heads":4,
        "output_router_logits":false,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":1000000.0,"router_aux_loss_coef":0.001,
        "sliding_window":null,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.51.0","use_cache":true,
        "use_sliding_window":false,"vocab_size":151936}
        """;

    private const string Mixtral = """
        {"architectures":["MixtralForCausalLM"],"attention_dropout":0.0,"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":4096,
        "initializer_range":0.02,"intermediate_size":14336,"max_position_embeddings":32768,"model_type":"mixtral","num_attention_heads":32,
        "num_experts_per_tok":2,"num_hidden_layers":32,"num_key_value_heads":8,"num_local_experts":8,"output_router_logits":false,
        "rms_norm_eps":1e-05,"rope_theta":1000000.0,"router_aux_loss_coef":0.02,"sliding_window":null,"tie_word_embeddings":false,
        "torch_dtype":"bfloat16","transformers_version":"4.36.0.dev0","use_cache":true,"vocab_size":32000}
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_PublishedQwen3_IsUnderstood()
    {
        ModelSpec spec = Read(Qwen3);

        Assert.Equal(("qwen3_moe", 2048, 48, 151_936, 40_960), (spec.Family, spec.HiddenSize, spec.LayerCount, spec.VocabularySize, spec.ContextLength));
        Assert.Equal(new GroupedAttentionSpec(32, 4, 128) { HeadNorm = HeadNorm.PerHead }, spec.Attention);
        Assert.Equal(new RopeSpec(1e6f, 128), spec.Rope);
        Assert.Equal(new RouterSpec(128, 8, true), spec.Router);
        Assert.Equal(768, spec.Experts.Width);
        Assert.Equal(1e-6f, spec.NormEpsilon);
        Assert.Equal([151_645], spec.EosTokenIds);
        Assert.Equal(151_643, spec.BosTokenId);
    }

    [Fact]
    public void Read_PublishedMixtral_IsUnderstood()
    {
        ModelSpec spec = Read(Mixtral);

        Assert.Equal(new GroupedAttentionSpec(32, 8, 128), spec.Attention);
        Assert.Equal(new RouterSpec(8, 2, true), spec.Router);
        Assert.Equal(14_336, spec.Experts.Width);
        Assert.Equal(1e-5f, spec.NormEpsilon);
    }

    [Fact]
    public void Tensors_OfPublishedConfigs_CountThePublishedParameters()
    {
        Assert.Equal(46.7, new TensorNames(Read(Mixtral)).All().Sum(tensor => tensor.Elements) / 1e9, 0.05);
        Assert.Equal(30.5, new TensorNames(Read(Qwen3)).All().Sum(tensor => tensor.Elements) / 1e9, 0.05);
    }

    [Theory]
    [InlineData("attention_bias", "true")]
    [InlineData("hidden_act", "\"gelu\"")]
    [InlineData("decoder_sparse_step", "2")]
    [InlineData("mlp_only_layers", "[0]")]
    [InlineData("rope_scaling", """{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":32768}""")]
    [InlineData("rope_scaling", """{"type":"linear","factor":2.0}""")]
    [InlineData("rope_parameters", """{"rope_type":"yarn","rope_theta":10000.0,"factor":4.0}""")]
    [InlineData("layer_types", """["full_attention","sliding_attention"]""")]
    [InlineData("quantization_config", """{"quant_method":"fp8"}""")]
    [InlineData("architectures", """["Qwen3MoeForSequenceClassification"]""")]
    [InlineData("shared_expert_intermediate_size", "512")]
    [InlineData("final_logit_softcapping", "30.0")]
    [InlineData("model_type", "\"deepseek_v3\"")]
    public void Read_VariantThatChangesTheComputation_IsRefusedByName(string field, string value)
    {
        CheckpointException error = Assert.Throws<CheckpointException>(() => Read(With(Qwen3, field, value)));

        Assert.Contains($"\"{field}\"", error.Message);
        Assert.Contains("not supported", error.Message);
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

    [Fact]
    public void Read_UnknownArchitecture_NamesTheSupportedOnes()
    {
        CheckpointException error = Assert.Throws<CheckpointException>(() => Read(With(Qwen3, "model_type", "\"llama\"")));

        Assert.Contains("\"llama\"", error.Message);
        Assert.Contains("qwen3_moe, mixtral", error.Message);
    }

    [Theory]
    [InlineData("4096", false, true)]
    [InlineData("4096", true, false)]
    [InlineData("40960", true, true)]
    public void Read_SlidingWindow_IsRefusedOnlyWhereItCouldMatter(string window, bool isUsed, bool isAccepted)
    {
        string config = With(With(Qwen3, "sliding_window", window), "use_sliding_window", isUsed ? "true" : "false");

        Exception? error = Record.Exception(() => Read(config));

        Assert.Equal(isAccepted, error is null);
    }

    [Fact]
    public void Read_MixtralSlidingWindow_CountsByItself() =>
        Assert.Contains("sliding_window", Assert.Throws<CheckpointException>(() => Read(With(Mixtral, "sliding_window", "4096"))).Message);

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
        json[field] = JsonNode.Parse(value);
        return json.ToJsonString();
    }
}
