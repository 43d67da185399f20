namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>DeepSeek-V2, V2-Lite, V3 (R1 is one) and Kimi-K2.</summary>
internal sealed class TinyDeepseek
{
    private const double NormEpsilon = 1e-6;

    public static TinyModel Second { get; } = new TinyDeepseek
    {
        ModelType = "deepseek_v2",
        QueryLatent = 40,
        GroupCount = 4,
        ChosenGroupCount = 2,
        RoutedScaling = "16.0",
        TopkMethod = "group_limited_greedy",
        // The two mscales differ, unlike the hub's, so that their ratio and their use in the softmax both show.
        RopeScaling = Yarn(factor: 8, fast: "2", slow: "0.25", scale: "1.0", scaleOfAll: "0.707"),
        Gain = 1.45,
    }.Model("deepseek_v2", shardCount: 2);

    public static TinyModel SecondLite { get; } = new TinyDeepseek
    {
        ModelType = "deepseek_v2",
        TopkMethod = "greedy",
        RopeScaling = Yarn(factor: 8, fast: "2", slow: "0.25", scale: "0.707", scaleOfAll: "0.707"),
        Gain = 1.45,
    }.Model("deepseek_v2_lite");

    /// <summary>As published: FP8, and a layer for multi-token prediction behind the last.</summary>
    public static TinyModel Third { get; } = new TinyDeepseek
    {
        ModelType = "deepseek_v3",
        HiddenSize = 160,
        QueryLatent = 144,
        KvLatent = 136,
        MoeInnerSize = 136,
        DenseInnerSize = 264,
        GroupCount = 4,
        ChosenGroupCount = 2,
        SharedCount = 1,
        RoutedScaling = "2.5",
        TopkMethod = "noaux_tc",
        RopeScaling = Yarn(factor: 8, fast: "2", slow: "0.25", scale: "1.0", scaleOfAll: "1.0"),
        IsFp8 = true,
        ExtraLayerCount = 1,
        Gain = 1.4,
    }.Model("deepseek_v3", shardCount: 3);

    /// <summary>In bf16, without YaRN, every second layer dense, and a correction bias far from 0 that does not survive rounding.</summary>
    public static TinyModel ThirdInBFloat16 { get; } = new TinyDeepseek
    {
        ModelType = "deepseek_v3",
        LayerCount = 4,
        QueryLatent = 40,
        SharedCount = 1,
        GroupCount = 2,
        LayerStep = 2,
        RoutedScaling = "2.5",
        TopkMethod = "noaux_tc",
        CorrectionMean = 24,
    }.Model("deepseek_v3_bf16");

    public static TinyModel KimiSecond { get; } = new TinyDeepseek
    {
        ModelType = "kimi_k2",
        HiddenSize = 160,
        QueryLatent = 56,
        KvLatent = 72,
        MoeInnerSize = 48,
        SharedCount = 1,
        RoutedScaling = "2.827",
        TopkMethod = "noaux_tc",
        // Both bounds of the ramp meet, as in the hub's.
        RopeScaling = Yarn(factor: 8, fast: "1.0", slow: "1.0", scale: "1.0", scaleOfAll: "1.0"),
        IsFp8 = true,
        Gain = 1.4,
    }.Model("kimi_k2", shardCount: 2);

    public required string ModelType { get; init; }

    private int VocabularySize { get; init; } = 336;

    private int HiddenSize { get; init; } = 96;

    private int LayerCount { get; init; } = 3;

    private int ExtraLayerCount { get; init; }

    private int HeadCount { get; init; } = 4;

    private int? QueryLatent { get; init; }

    private int KvLatent { get; init; } = 48;

    private int PlainDim { get; init; } = 24;

    private int RotaryDim { get; init; } = 16;

    private int ValueDim { get; init; } = 40;

    private int DenseInnerSize { get; init; } = 112;

    private int MoeInnerSize { get; init; } = 40;

    private int ExpertCount { get; init; } = 12;

    private int SharedCount { get; init; } = 2;

    private int GroupCount { get; init; } = 1;

    private int ChosenGroupCount { get; init; } = 1;

    private int LayerStep { get; init; } = 1;

    public required string TopkMethod { get; init; }

    private string RoutedScaling { get; init; } = "1.0";

    private string RopeScaling { get; init; } = "null";

    private bool IsFp8 { get; init; }

    private double CorrectionMean { get; init; } = 0.5;

    // Of queries and keys.
    private double Gain { get; init; } = 1.7;

    private bool IsSigmoid => TopkMethod == "noaux_tc";

    private static string Yarn(int factor, string fast, string slow, string scale, string scaleOfAll) => $$"""
        {
            "beta_fast": {{fast}},
            "beta_slow": {{slow}},
            "factor": {{factor}},
            "mscale": {{scale}},
            "mscale_all_dim": {{scaleOfAll}},
            "original_max_position_embeddings": 24,
            "type": "yarn"
          }
        """;

    private TinyModel Model(string name, int shardCount = 1) => new(name, Config(), Tensors) { ShardCount = shardCount };

    private IReadOnlyList<TinyTensor> Tensors(int seed)
    {
        var weights = new TinyWeights(seed, "BF16", NormEpsilon) { ScaleType = IsFp8 ? "F32" : null };
        TinyParts.Ends(weights, VocabularySize, HiddenSize);
        for (int layer = 0; layer < LayerCount + ExtraLayerCount; layer++)
        {
            if (layer >= LayerCount)
                ExtraTensors(weights, $"model.layers.{layer}.");
            TinyParts.LayerNorms(weights, layer, HiddenSize);
            Attention(weights, $"model.layers.{layer}.self_attn.");
            FeedForward(weights, layer);
        }
        return weights.Tensors;
    }

    private void Attention(TinyWeights weights, string prefix)
    {
        int queryWidth = HeadCount * (PlainDim + RotaryDim);
        if (QueryLatent is { } queryLatent)
        {
            weights.Quantised(prefix + "q_a_proj.weight", queryLatent, HiddenSize, 0.4);
            weights.Norm(prefix + "q_a_layernorm.weight", queryLatent);
            weights.Quantised(prefix + "q_b_proj.weight", queryWidth, queryLatent, Gain);
        }
        else
        {
            weights.Quantised(prefix + "q_proj.weight", queryWidth, HiddenSize, Gain);
        }
        weights.Quantised(prefix + "kv_a_proj_with_mqa.weight", KvLatent + RotaryDim, HiddenSize, Gain);
        weights.Norm(prefix + "kv_a_layernorm.weight", KvLatent);
        weights.Quantised(prefix + "kv_b_proj.weight", HeadCount * (PlainDim + ValueDim), KvLatent, Gain);
        weights.Quantised(prefix + "o_proj.weight", HiddenSize, HeadCount * ValueDim, weights.AttentionGain / Gain);
    }

    private void FeedForward(TinyWeights weights, int layer)
    {
        string block = $"model.layers.{layer}.mlp.";
        if (layer == 0 || layer % LayerStep != 0)
        {
            TinyParts.GatedExpert(weights, block, HiddenSize, DenseInnerSize);
            return;
        }
        weights.Projection(block + "gate.weight", ExpertCount, HiddenSize, 1.5);
        if (IsSigmoid)
            weights.Vector(block + "gate.e_score_correction_bias", [ExpertCount], CorrectionMean, 0.2, "F32");
        for (int expert = 0; expert < ExpertCount; expert++)
            TinyParts.GatedExpert(weights, $"{block}experts.{expert}.", HiddenSize, MoeInnerSize, 1 / double.Parse(RoutedScaling));
        TinyParts.GatedExpert(weights, block + "shared_experts.", HiddenSize, MoeInnerSize * SharedCount);
    }

    // What a layer for multi-token prediction has besides a layer's own.
    private void ExtraTensors(TinyWeights weights, string prefix)
    {
        weights.Embedding(prefix + "embed_tokens.weight", VocabularySize, HiddenSize);
        weights.Norm(prefix + "enorm.weight", HiddenSize);
        weights.Norm(prefix + "hnorm.weight", HiddenSize);
        weights.Projection(prefix + "eh_proj.weight", HiddenSize, 2 * HiddenSize, 1);
        weights.Projection(prefix + "shared_head.head.weight", VocabularySize, HiddenSize, 1);
        weights.Norm(prefix + "shared_head.norm.weight", HiddenSize);
    }

    private string Config() => $$"""
        {
          "architectures": ["{{(ModelType == "deepseek_v2" ? "DeepseekV2ForCausalLM" : "DeepseekV3ForCausalLM")}}"],
          "attention_bias": false,
          "attention_dropout": 0.0,
          "aux_loss_alpha": 0.001,
          "bos_token_id": 0,
          "eos_token_id": 1,
          "ep_size": 1,
          "first_k_dense_replace": 1,
          "hidden_act": "silu",
          "hidden_size": {{HiddenSize}},
          "initializer_range": 0.02,
          "intermediate_size": {{DenseInnerSize}},
          "kv_lora_rank": {{KvLatent}},
          "max_position_embeddings": 160,
          "model_type": "{{ModelType}}",
          "moe_intermediate_size": {{MoeInnerSize}},
          "moe_layer_freq": {{LayerStep}},
          "n_group": {{GroupCount}},
          "n_routed_experts": {{ExpertCount}},
          "n_shared_experts": {{SharedCount}},
          "norm_topk_prob": {{(IsSigmoid ? "true" : "false")}},
          "num_attention_heads": {{HeadCount}},
          "num_experts_per_tok": 3,
          "num_hidden_layers": {{LayerCount}},
          "num_key_value_heads": {{HeadCount}},
          "num_nextn_predict_layers": {{ExtraLayerCount}},
          "pretraining_tp": 1,
          "q_lora_rank": {{QueryLatent?.ToString() ?? "null"}},
          "qk_nope_head_dim": {{PlainDim}},
          "qk_rope_head_dim": {{RotaryDim}},{{Quantisation()}}
          "rms_norm_eps": 1e-06,
          "rope_scaling": {{RopeScaling}},
          "rope_theta": 10000,
          "routed_scaling_factor": {{RoutedScaling}},
          "scoring_func": "{{(IsSigmoid ? "sigmoid" : "softmax")}}",
          "seq_aux": true,
          "tie_word_embeddings": false,
          "topk_group": {{ChosenGroupCount}},
          "topk_method": "{{TopkMethod}}",
          "torch_dtype": "bfloat16",
          "transformers_version": "4.33.1",
          "use_cache": true,
          "v_head_dim": {{ValueDim}},
          "vocab_size": {{VocabularySize}}
        }
        """;

    private string Quantisation() => !IsFp8 ? "" : """

          "quantization_config": {
            "activation_scheme": "dynamic",
            "fmt": "e4m3",
            "quant_method": "fp8",
            "weight_block_size": [128, 128]
          },
        """;
}
