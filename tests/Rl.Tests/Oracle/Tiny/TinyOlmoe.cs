namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>OLMoE, with fewer key heads than published and the clipping that its config has a field for.</summary>
internal static class TinyOlmoe
{
    private const int HiddenSize = 96;
    private const int InnerSize = 40;
    private const int LayerCount = 3;
    private const int HeadCount = 6;
    private const int KvHeadCount = 3;
    private const int HeadDim = HiddenSize / HeadCount;
    private const int ExpertCount = 16;
    private const int VocabularySize = 352;
    private const double NormEpsilon = 1e-5;

    public static TinyModel Clipping { get; } = new("olmoe", Config, Tensors);

    private static string Config => $$"""
        {
          "architectures": ["OlmoeForCausalLM"],
          "attention_bias": false,
          "attention_dropout": 0.0,
          "clip_qkv": 2.25,
          "eos_token_id": 2,
          "hidden_act": "silu",
          "hidden_size": {{HiddenSize}},
          "initializer_range": 0.02,
          "intermediate_size": {{InnerSize}},
          "max_position_embeddings": 256,
          "model_type": "olmoe",
          "norm_topk_prob": false,
          "num_attention_heads": {{HeadCount}},
          "num_experts": {{ExpertCount}},
          "num_experts_per_tok": 4,
          "num_hidden_layers": {{LayerCount}},
          "num_key_value_heads": {{KvHeadCount}},
          "output_router_logits": false,
          "pad_token_id": 1,
          "rms_norm_eps": 1e-05,
          "rope_scaling": null,
          "rope_theta": 10000.0,
          "router_aux_loss_coef": 0.01,
          "tie_word_embeddings": false,
          "torch_dtype": "float32",
          "transformers_version": "4.43.0.dev0",
          "use_cache": true,
          "vocab_size": {{VocabularySize}}
        }
        """;

    private static IReadOnlyList<TinyTensor> Tensors(int seed)
    {
        var weights = new TinyWeights(seed, "F32", NormEpsilon);
        TinyParts.Ends(weights, VocabularySize, HiddenSize);
        for (int layer = 0; layer < LayerCount; layer++)
        {
            TinyParts.LayerNorms(weights, layer, HiddenSize);
            TinyParts.Attention(weights, layer, new TinyAttention(HiddenSize, HeadCount, KvHeadCount, HeadDim));
            weights.Norm($"model.layers.{layer}.self_attn.q_norm.weight", HeadCount * HeadDim, 1.9);
            weights.Norm($"model.layers.{layer}.self_attn.k_norm.weight", KvHeadCount * HeadDim, 1.9);
            string block = $"model.layers.{layer}.mlp.";
            weights.Projection(block + "gate.weight", ExpertCount, HiddenSize, 2);
            for (int expert = 0; expert < ExpertCount; expert++)
                TinyParts.GatedExpert(weights, $"{block}experts.{expert}.", HiddenSize, InnerSize);
        }
        return weights.Tensors;
    }
}
