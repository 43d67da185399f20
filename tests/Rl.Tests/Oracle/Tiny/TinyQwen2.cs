namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>Qwen2-MoE (Qwen1.5-MoE, Qwen2-57B) as published, its window switched off but present.</summary>
internal static class TinyQwen2
{
    private const int HiddenSize = 96;
    private const int MoeInnerSize = 40;
    private const int SharedInnerSize = 104;
    private const int LayerCount = 3;
    private const int HeadCount = 4;
    private const int KvHeadCount = 2;
    private const int HeadDim = HiddenSize / HeadCount;
    private const int ExpertCount = 12;
    private const int VocabularySize = 320;
    private const double NormEpsilon = 1e-6;

    public static TinyModel Plain { get; } = new("qwen2_moe", Config, Tensors);

    private static string Config => $$"""
        {
          "architectures": ["Qwen2MoeForCausalLM"],
          "attention_dropout": 0.0,
          "bos_token_id": 1,
          "decoder_sparse_step": 1,
          "eos_token_id": 2,
          "hidden_act": "silu",
          "hidden_size": {{HiddenSize}},
          "initializer_range": 0.02,
          "intermediate_size": 144,
          "max_position_embeddings": 256,
          "max_window_layers": 21,
          "model_type": "qwen2_moe",
          "moe_intermediate_size": {{MoeInnerSize}},
          "norm_topk_prob": false,
          "num_attention_heads": {{HeadCount}},
          "num_experts": {{ExpertCount}},
          "num_experts_per_tok": 4,
          "num_hidden_layers": {{LayerCount}},
          "num_key_value_heads": {{KvHeadCount}},
          "output_router_logits": false,
          "rms_norm_eps": 1e-06,
          "rope_theta": 1000000.0,
          "router_aux_loss_coef": 0.001,
          "shared_expert_intermediate_size": {{SharedInnerSize}},
          "sliding_window": 16,
          "tie_word_embeddings": false,
          "torch_dtype": "bfloat16",
          "transformers_version": "4.39.0.dev0",
          "use_cache": true,
          "use_sliding_window": false,
          "vocab_size": {{VocabularySize}}
        }
        """;

    private static IReadOnlyList<TinyTensor> Tensors(int seed)
    {
        var weights = new TinyWeights(seed, "BF16", NormEpsilon);
        TinyParts.Ends(weights, VocabularySize, HiddenSize);
        for (int layer = 0; layer < LayerCount; layer++)
        {
            TinyParts.LayerNorms(weights, layer, HiddenSize);
            TinyParts.Attention(weights, layer, new TinyAttention(HiddenSize, HeadCount, KvHeadCount, HeadDim) { HasQkvBias = true });
            string block = $"model.layers.{layer}.mlp.";
            weights.Projection(block + "gate.weight", ExpertCount, HiddenSize, 2);
            for (int expert = 0; expert < ExpertCount; expert++)
                TinyParts.GatedExpert(weights, $"{block}experts.{expert}.", HiddenSize, MoeInnerSize);
            TinyParts.GatedExpert(weights, block + "shared_expert.", HiddenSize, SharedInnerSize);
            weights.Projection(block + "shared_expert_gate.weight", 1, HiddenSize, 2);
        }
        return weights.Tensors;
    }
}
