namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>MiniMax-M2 as published, in FP8; its config speaks of multi-token prediction, its files hold none.</summary>
internal static class TinyMinimax
{
    private const int HiddenSize = 160;
    private const int InnerSize = 136;
    private const int LayerCount = 3;
    private const int HeadCount = 6;
    private const int KvHeadCount = 2;
    private const int HeadDim = 24;
    private const int ExpertCount = 8;
    private const int VocabularySize = 336;
    private const double NormEpsilon = 1e-6;

    public static TinyModel Fp8 { get; } = new("minimax_m2", Config, Tensors) { ShardCount = 2 };

    private static string Config => $$"""
        {
          "architectures": ["MiniMaxM2ForCausalLM"],
          "attention_dropout": 0.0,
          "attn_type_list": [1, 1, 1],
          "bos_token_id": null,
          "eos_token_id": null,
          "head_dim": {{HeadDim}},
          "hidden_act": "silu",
          "hidden_size": {{HiddenSize}},
          "initializer_range": 0.02,
          "intermediate_size": {{InnerSize}},
          "layernorm_full_attention_beta": 1.0,
          "layernorm_linear_attention_beta": 1.0,
          "layernorm_mlp_beta": 1.0,
          "max_position_embeddings": 256,
          "mlp_intermediate_size": 256,
          "model_type": "minimax_m2",
          "mtp_transformer_layers": 1,
          "num_attention_heads": {{HeadCount}},
          "num_experts_per_tok": 2,
          "num_hidden_layers": {{LayerCount}},
          "num_key_value_heads": {{KvHeadCount}},
          "num_local_experts": {{ExpertCount}},
          "num_mtp_modules": 3,
          "output_router_logits": false,
          "qk_norm_type": "per_layer",
          "quantization_config": {
            "activation_scheme": "dynamic",
            "fmt": "float8_e4m3fn",
            "quant_method": "fp8",
            "weight_block_size": [128, 128],
            "modules_to_not_convert": ["gate", "e_score_correction_bias", "lm_head"]
          },
          "rms_norm_eps": 1e-06,
          "rope_theta": 5000000,
          "rotary_dim": {{HeadDim / 2}},
          "router_aux_loss_coef": 0.001,
          "router_jitter_noise": 0.0,
          "scoring_func": "sigmoid",
          "shared_intermediate_size": 0,
          "shared_moe_mode": "sigmoid",
          "sliding_window": null,
          "tie_word_embeddings": false,
          "transformers_version": "4.46.1",
          "use_cache": true,
          "use_mtp": true,
          "use_qk_norm": true,
          "use_routing_bias": true,
          "vocab_size": {{VocabularySize}}
        }
        """;

    private static IReadOnlyList<TinyTensor> Tensors(int seed)
    {
        var weights = new TinyWeights(seed, "BF16", NormEpsilon) { ScaleType = "F32" };
        TinyParts.Ends(weights, VocabularySize, HiddenSize);
        for (int layer = 0; layer < LayerCount; layer++)
        {
            TinyParts.LayerNorms(weights, layer, HiddenSize);
            TinyParts.Attention(weights, layer, new TinyAttention(HiddenSize, HeadCount, KvHeadCount, HeadDim));
            weights.Norm($"model.layers.{layer}.self_attn.q_norm.weight", HeadCount * HeadDim, 1.7);
            weights.Norm($"model.layers.{layer}.self_attn.k_norm.weight", KvHeadCount * HeadDim, 1.7);
            string block = $"model.layers.{layer}.block_sparse_moe.";
            weights.Vector(block + "e_score_correction_bias", [ExpertCount], 0.5, 0.2, "F32");
            weights.Vector(block + "gate.weight", [ExpertCount, HiddenSize], 0, 1.5 / Math.Sqrt(HiddenSize), "F32");
            for (int expert = 0; expert < ExpertCount; expert++)
                TinyParts.NumberedExpert(weights, $"{block}experts.{expert}.", HiddenSize, InnerSize);
        }
        return weights.Tensors;
    }
}
