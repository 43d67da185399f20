namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>Mixtral as published, and with the window that its first configs had.</summary>
internal static class TinyMixtral
{
    private const int HiddenSize = 96;
    private const int InnerSize = 80;
    private const int LayerCount = 3;
    private const int HeadCount = 6;
    private const int KvHeadCount = 2;
    private const int ExpertCount = 8;
    private const int VocabularySize = 384;
    private const double NormEpsilon = 1e-5;

    /// <summary>With the rotary frequencies that old converters left in the files, here of no use.</summary>
    public static TinyModel Plain { get; } = new("mixtral", Config("null", "bfloat16"), seed => Tensors(seed, "BF16", hasOldExtras: true))
    {
        ShardCount = 2,
    };

    /// <summary>The window is not a multiple of a KV block.</summary>
    public static TinyModel Windowed { get; } = new("mixtral_window", Config("20", "float16"), seed => Tensors(seed, "F16", hasOldExtras: false));

    private static IReadOnlyList<TinyTensor> Tensors(int seed, string type, bool hasOldExtras)
    {
        var weights = new TinyWeights(seed, type, NormEpsilon);
        TinyParts.Ends(weights, VocabularySize, HiddenSize);
        for (int layer = 0; layer < LayerCount; layer++)
        {
            TinyParts.LayerNorms(weights, layer, HiddenSize);
            TinyParts.Attention(weights, layer, new TinyAttention(HiddenSize, HeadCount, KvHeadCount, HiddenSize / HeadCount));
            if (hasOldExtras)
                weights.Vector($"model.layers.{layer}.self_attn.rotary_emb.inv_freq", [HiddenSize / HeadCount / 2], 0.5, 0.1, "F32");
            string block = $"model.layers.{layer}.block_sparse_moe.";
            weights.Projection(block + "gate.weight", ExpertCount, HiddenSize, 2);
            for (int expert = 0; expert < ExpertCount; expert++)
                TinyParts.NumberedExpert(weights, $"{block}experts.{expert}.", HiddenSize, InnerSize);
        }
        return weights.Tensors;
    }

    private static string Config(string window, string type) => $$"""
        {
          "architectures": ["MixtralForCausalLM"],
          "attention_dropout": 0.0,
          "bos_token_id": 1,
          "eos_token_id": 2,
          "hidden_act": "silu",
          "hidden_size": {{HiddenSize}},
          "initializer_range": 0.02,
          "intermediate_size": {{InnerSize}},
          "max_position_embeddings": 256,
          "model_type": "mixtral",
          "num_attention_heads": {{HeadCount}},
          "num_experts_per_tok": 2,
          "num_hidden_layers": {{LayerCount}},
          "num_key_value_heads": {{KvHeadCount}},
          "num_local_experts": {{ExpertCount}},
          "output_router_logits": false,
          "rms_norm_eps": 1e-05,
          "rope_theta": 1000000.0,
          "router_aux_loss_coef": 0.02,
          "sliding_window": {{window}},
          "tie_word_embeddings": false,
          "torch_dtype": "{{type}}",
          "transformers_version": "4.36.0.dev0",
          "use_cache": true,
          "vocab_size": {{VocabularySize}}
        }
        """;
}
