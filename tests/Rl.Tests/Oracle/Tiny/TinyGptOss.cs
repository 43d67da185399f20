namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>gpt-oss: MXFP4 experts as published, and the bf16 form that trainers save, with the newer spelling of its rope.</summary>
internal sealed class TinyGptOss
{
    private const int HiddenSize = 96;
    private const int InnerSize = 64;
    private const int LayerCount = 4;
    private const int HeadCount = 6;
    private const int KvHeadCount = 2;
    private const int HeadDim = 24;
    private const int ExpertCount = 8;
    private const int VocabularySize = 320;
    private const double NormEpsilon = 1e-5;

    // beta_fast and beta_slow fit an original length this short.
    private const string Yarn = """
        "beta_fast": 2.0, "beta_slow": 0.25, "factor": 8.0, "original_max_position_embeddings": 32, "rope_type": "yarn"
        """;

    public static TinyModel Packed { get; } = new TinyGptOss
    {
        IsPacked = true,
        Window = 16,
        Limit = "7.0",
        Rope = $$"""
            "rope_scaling": {{{Yarn}}, "truncate": false},
              "rope_theta": 150000
            """,
    }.Model("gpt_oss", shardCount: 2);

    /// <summary>The window is not a multiple of a KV block, and YaRN's bounds are whole, as they are where the config does not say otherwise.</summary>
    public static TinyModel InBFloat16 { get; } = new TinyGptOss
    {
        Window = 20,
        Limit = "5.0",
        Rope = $$"""
            "rope_parameters": {{{Yarn}}, "rope_theta": 150000}
            """,
    }.Model("gpt_oss_bf16");

    public required string Rope { get; init; }

    public required int Window { get; init; }

    public required string Limit { get; init; }

    private bool IsPacked { get; init; }

    private TinyModel Model(string name, int shardCount = 1) => new(name, Config(), Tensors) { ShardCount = shardCount };

    private IReadOnlyList<TinyTensor> Tensors(int seed)
    {
        var weights = new TinyWeights(seed, "BF16", NormEpsilon);
        TinyParts.Ends(weights, VocabularySize, HiddenSize);
        for (int layer = 0; layer < LayerCount; layer++)
        {
            TinyParts.LayerNorms(weights, layer, HiddenSize);
            var attention = new TinyAttention(HiddenSize, HeadCount, KvHeadCount, HeadDim) { HasQkvBias = true, HasOutputBias = true, Gain = 1.4 };
            TinyParts.Attention(weights, layer, attention);
            weights.Vector($"model.layers.{layer}.self_attn.sinks", [HeadCount], 4, 1.5);
            string block = $"model.layers.{layer}.mlp.";
            weights.Projection(block + "router.weight", ExpertCount, HiddenSize, 2);
            weights.Vector(block + "router.bias", [ExpertCount], 0, 1);
            Experts(weights, block + "experts.");
        }
        return weights.Tensors;
    }

    private void Experts(TinyWeights weights, string prefix)
    {
        // Wide enough that both bounds of the clamp are passed.
        const double Gain = 4;
        double downGain = weights.FeedForwardGain / Gain;
        if (IsPacked)
        {
            weights.Packed(prefix + "gate_up_proj", ExpertCount, 2 * InnerSize, HiddenSize, Gain);
            weights.Packed(prefix + "down_proj", ExpertCount, HiddenSize, InnerSize, downGain);
        }
        else
        {
            weights.Stack(prefix + "gate_up_proj", ExpertCount, HiddenSize, 2 * InnerSize, Gain);
            weights.Stack(prefix + "down_proj", ExpertCount, InnerSize, HiddenSize, downGain);
        }
        weights.Vector(prefix + "gate_up_proj_bias", [ExpertCount, 2 * InnerSize], 0, 1);
        weights.Vector(prefix + "down_proj_bias", [ExpertCount, HiddenSize], 0, weights.AttentionGain);
    }

    private string Config() => $$"""
        {
          "architectures": ["GptOssForCausalLM"],
          "attention_bias": true,
          "attention_dropout": 0.0,
          "eos_token_id": 2,
          "experts_per_token": 3,
          "head_dim": {{HeadDim}},
          "hidden_act": "silu",
          "hidden_size": {{HiddenSize}},
          "initial_context_length": 32,
          "initializer_range": 0.02,
          "intermediate_size": {{InnerSize}},
          "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "full_attention"],
          "max_position_embeddings": 192,
          "model_type": "gpt_oss",
          "num_attention_heads": {{HeadCount}},
          "num_experts_per_tok": 3,
          "num_hidden_layers": {{LayerCount}},
          "num_key_value_heads": {{KvHeadCount}},
          "num_local_experts": {{ExpertCount}},
          "output_router_logits": false,
          "pad_token_id": 0,{{Quantisation()}}
          "rms_norm_eps": 1e-05,
          {{Rope}},
          "router_aux_loss_coef": 0.9,
          "sliding_window": {{Window}},
          "swiglu_limit": {{Limit}},
          "tie_word_embeddings": false,
          "transformers_version": "4.55.0.dev0",
          "use_cache": true,
          "vocab_size": {{VocabularySize}}
        }
        """;

    private string Quantisation() => !IsPacked ? "" : """

          "quantization_config": {
            "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"],
            "quant_method": "mxfp4"
          },
        """;
}
