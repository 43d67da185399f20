namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>Qwen3-MoE: as published (here with a tied head), with dense layers, with the YaRN that users switch on, and the FP8 release.</summary>
internal sealed class TinyQwen3
{
    private const int VocabularySize = 352;
    private const double NormEpsilon = 1e-6;

    public static TinyModel Plain { get; } = new TinyQwen3 { IsTied = true }.Model("qwen3_moe", shardCount: 3);

    /// <summary>Layer 1 is dense by its place, layers 0 and 2 by the step; only layer 3 is sparse. Weights as the softmax gives them.</summary>
    public static TinyModel WithDenseLayers { get; } =
        new TinyQwen3 { LayerCount = 4, SparseStep = 2, DenseLayers = "1", IsNormalised = false }.Model("qwen3_moe_dense");

    public static TinyModel Yarn { get; } = new TinyQwen3
    {
        // beta_fast and beta_slow fit an original length this short.
        RopeScaling = """{"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "beta_fast": 2.0, "beta_slow": 0.25}""",
    }.Model("qwen3_moe_yarn");

    public static TinyModel Fp8 { get; } = new TinyQwen3
    {
        HiddenSize = 160,
        MoeInnerSize = 136,
        IsFp8 = true,
    }.Model("qwen3_moe_fp8", shardCount: 2);

    private int HiddenSize { get; init; } = 64;

    private int MoeInnerSize { get; init; } = 56;

    private int DenseInnerSize { get; init; } = 112;

    private int LayerCount { get; init; } = 3;

    private int HeadCount { get; init; } = 6;

    private int KvHeadCount { get; init; } = 2;

    private int HeadDim { get; init; } = 24;

    private int ExpertCount { get; init; } = 8;

    private int SparseStep { get; init; } = 1;

    private string DenseLayers { get; init; } = "";

    private bool IsNormalised { get; init; } = true;

    private bool IsTied { get; init; }

    private bool IsFp8 { get; init; }

    private string RopeScaling { get; init; } = "null";

    private TinyModel Model(string name, int shardCount = 1) => new(name, Config(), Tensors) { ShardCount = shardCount };

    private IReadOnlyList<TinyTensor> Tensors(int seed)
    {
        // The FP8 release keeps its scales in bf16.
        var weights = new TinyWeights(seed, "BF16", NormEpsilon) { ScaleType = IsFp8 ? "BF16" : null };
        TinyParts.Ends(weights, VocabularySize, HiddenSize, IsTied);
        for (int layer = 0; layer < LayerCount; layer++)
        {
            TinyParts.LayerNorms(weights, layer, HiddenSize);
            TinyParts.Attention(weights, layer, new TinyAttention(HiddenSize, HeadCount, KvHeadCount, HeadDim));
            weights.Norm($"model.layers.{layer}.self_attn.q_norm.weight", HeadDim, RopeScaling == "null" ? 1.7 : 1.5);
            weights.Norm($"model.layers.{layer}.self_attn.k_norm.weight", HeadDim, RopeScaling == "null" ? 1.7 : 1.5);
            FeedForward(weights, layer);
        }
        return weights.Tensors;
    }

    private void FeedForward(TinyWeights weights, int layer)
    {
        string block = $"model.layers.{layer}.mlp.";
        if ((layer + 1) % SparseStep != 0 || DenseLayers.Split(',').Contains($"{layer}"))
        {
            TinyParts.GatedExpert(weights, block, HiddenSize, DenseInnerSize);
            return;
        }
        weights.Projection(block + "gate.weight", ExpertCount, HiddenSize, 2);
        for (int expert = 0; expert < ExpertCount; expert++)
            TinyParts.GatedExpert(weights, $"{block}experts.{expert}.", HiddenSize, MoeInnerSize);
    }

    private string Config() => $$"""
        {
          "architectures": ["Qwen3MoeForCausalLM"],
          "attention_bias": false,
          "attention_dropout": 0.0,
          "bos_token_id": 1,
          "decoder_sparse_step": {{SparseStep}},
          "eos_token_id": 2,
          "head_dim": {{HeadDim}},
          "hidden_act": "silu",
          "hidden_size": {{HiddenSize}},
          "initializer_range": 0.02,
          "intermediate_size": {{DenseInnerSize}},
          "max_position_embeddings": 96,
          "max_window_layers": {{LayerCount}},
          "mlp_only_layers": [{{DenseLayers}}],
          "model_type": "qwen3_moe",
          "moe_intermediate_size": {{MoeInnerSize}},
          "norm_topk_prob": {{(IsNormalised ? "true" : "false")}},
          "num_attention_heads": {{HeadCount}},
          "num_experts": {{ExpertCount}},
          "num_experts_per_tok": 3,
          "num_hidden_layers": {{LayerCount}},
          "num_key_value_heads": {{KvHeadCount}},
          "output_router_logits": false,{{Quantisation()}}
          "rms_norm_eps": 1e-06,
          "rope_scaling": {{RopeScaling}},
          "rope_theta": 1000000.0,
          "router_aux_loss_coef": 0.001,
          "sliding_window": null,
          "tie_word_embeddings": {{(IsTied ? "true" : "false")}},
          "torch_dtype": "bfloat16",
          "transformers_version": "4.51.0",
          "use_cache": true,
          "use_sliding_window": false,
          "vocab_size": {{VocabularySize}}
        }
        """;

    private string Quantisation()
    {
        if (!IsFp8)
            return "";
        string[] layers = ["input_layernorm", "mlp.gate", "post_attention_layernorm"];
        string kept = string.Join(", ", Enumerable.Range(0, LayerCount).SelectMany(layer => layers.Select(part => $"\"model.layers.{layer}.{part}\"")));
        return $$"""

              "quantization_config": {
                "activation_scheme": "dynamic",
                "modules_to_not_convert": ["lm_head", {{kept}}],
                "fmt": "e4m3",
                "quant_method": "fp8",
                "weight_block_size": [128, 128]
              },
            """;
    }
}
