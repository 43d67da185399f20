namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>DBRX as published; the bound of clip_qkv is lower, to suit smaller values.</summary>
internal static class TinyDbrx
{
    private const int HiddenSize = 96;
    private const int InnerSize = 56;
    private const int LayerCount = 3;
    private const int HeadCount = 4;
    private const int KvHeadCount = 2;
    private const int HeadDim = 24;
    private const int ExpertCount = 8;
    private const int VocabularySize = 320;
    private const double NormEpsilon = 1e-5;

    public static TinyModel Plain { get; } = new("dbrx", Config("1"), Tensors) { ShardCount = 2 };

    /// <summary>Weights divided by the root of their sum of squares; the hub's models use their sum.</summary>
    public static TinyModel EuclideanNorm { get; } = new("dbrx_norm2", Config("2"), Tensors);

    private static IReadOnlyList<TinyTensor> Tensors(int seed)
    {
        var weights = new TinyWeights(seed, "BF16", NormEpsilon);
        weights.Embedding("transformer.wte.weight", VocabularySize, HiddenSize);
        for (int layer = 0; layer < LayerCount; layer++)
        {
            string block = $"transformer.blocks.{layer}.";
            string attention = block + "norm_attn_norm.";
            weights.Norm(attention + "norm_1.weight", HiddenSize);
            weights.Projection(attention + "attn.Wqkv.weight", (HeadCount + (2 * KvHeadCount)) * HeadDim, HiddenSize, 1.9);
            weights.Projection(attention + "attn.out_proj.weight", HiddenSize, HeadCount * HeadDim, weights.AttentionGain);
            weights.Norm(attention + "norm_2.weight", HiddenSize);
            weights.Projection(block + "ffn.router.layer.weight", ExpertCount, HiddenSize, 2);
            string experts = block + "ffn.experts.mlp.";
            weights.Projection(experts + "w1", ExpertCount * InnerSize, HiddenSize, 1.5);
            weights.Projection(experts + "v1", ExpertCount * InnerSize, HiddenSize, 1);
            // An expert's part of w2 is [inner, hidden]: what comes in is the rows.
            weights.Vector(experts + "w2", [ExpertCount * InnerSize, HiddenSize], 0, weights.FeedForwardGain / Math.Sqrt(InnerSize));
        }
        weights.FinalNorm("transformer.norm_f.weight", HiddenSize);
        weights.Projection("lm_head.weight", VocabularySize, HiddenSize, 1);
        return weights.Tensors;
    }

    private static string Config(string normalisation) => $$"""
        {
          "architectures": ["DbrxForCausalLM"],
          "attn_config": {
            "clip_qkv": 2.5,
            "kv_n_heads": {{KvHeadCount}},
            "model_type": "",
            "rope_theta": 500000
          },
          "d_model": {{HiddenSize}},
          "emb_pdrop": 0.0,
          "ffn_config": {
            "ffn_hidden_size": {{InnerSize}},
            "model_type": "",
            "moe_jitter_eps": 0,
            "moe_loss_weight": 0.05,
            "moe_normalize_expert_weights": {{normalisation}},
            "moe_num_experts": {{ExpertCount}},
            "moe_top_k": 3,
            "uniform_expert_assignment": false
          },
          "initializer_range": 0.02,
          "max_seq_len": 256,
          "model_type": "dbrx",
          "n_heads": {{HeadCount}},
          "n_layers": {{LayerCount}},
          "output_router_logits": false,
          "resid_pdrop": 0.0,
          "router_aux_loss_coef": 0.05,
          "tie_word_embeddings": false,
          "torch_dtype": "bfloat16",
          "transformers_version": "4.38.2",
          "use_cache": true,
          "vocab_size": {{VocabularySize}}
        }
        """;
}
