namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>GLM-4.5 (a norm on each head) and GLM-4.5-Air (none), both with a layer for multi-token prediction behind the last.</summary>
internal sealed class TinyGlm
{
    private const int HiddenSize = 80;
    private const int DenseInnerSize = 120;
    private const int MoeInnerSize = 40;
    private const int LayerCount = 3;
    private const int HeadCount = 6;
    private const int KvHeadCount = 2;
    private const int HeadDim = 24;
    private const int ExpertCount = 12;
    private const int VocabularySize = 320;
    private const double NormEpsilon = 1e-5;

    public static TinyModel Full { get; } = new TinyGlm
    {
        HasHeadNorm = true,
        RoutedScaling = "2.5",
        Rope = """
            "partial_rotary_factor": 0.5,
              "rope_scaling": null,
              "rope_theta": 1000000
            """,
    }.Model("glm4_moe");

    /// <summary>The newer spelling of the rope.</summary>
    public static TinyModel Air { get; } = new TinyGlm
    {
        RoutedScaling = "1.0",
        Rope = """
            "rope_parameters": {"partial_rotary_factor": 0.5, "rope_theta": 1000000, "rope_type": "default"}
            """,
    }.Model("glm4_moe_air");

    public required string Rope { get; init; }

    public required string RoutedScaling { get; init; }

    private bool HasHeadNorm { get; init; }

    private TinyModel Model(string name) => new(name, Config(), Tensors) { ShardCount = 2 };

    private IReadOnlyList<TinyTensor> Tensors(int seed)
    {
        var weights = new TinyWeights(seed, "BF16", NormEpsilon);
        TinyParts.Ends(weights, VocabularySize, HiddenSize);
        for (int layer = 0; layer <= LayerCount; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            TinyParts.LayerNorms(weights, layer, HiddenSize);
            TinyParts.Attention(weights, layer, new TinyAttention(HiddenSize, HeadCount, KvHeadCount, HeadDim) { HasQkvBias = true, Gain = 1.6 });
            if (HasHeadNorm)
            {
                weights.Norm(prefix + "self_attn.q_norm.weight", HeadDim, 1.7);
                weights.Norm(prefix + "self_attn.k_norm.weight", HeadDim, 1.7);
            }
            FeedForward(weights, prefix + "mlp.", isDense: layer == 0);
        }
        TinyParts.MultiTokenLayer(weights, LayerCount, VocabularySize, HiddenSize);
        return weights.Tensors;
    }

    private void FeedForward(TinyWeights weights, string block, bool isDense)
    {
        if (isDense)
        {
            TinyParts.GatedExpert(weights, block, HiddenSize, DenseInnerSize);
            return;
        }
        weights.Projection(block + "gate.weight", ExpertCount, HiddenSize, 1.5);
        weights.Vector(block + "gate.e_score_correction_bias", [ExpertCount], 0.5, 0.2, "F32");
        for (int expert = 0; expert < ExpertCount; expert++)
            TinyParts.GatedExpert(weights, $"{block}experts.{expert}.", HiddenSize, MoeInnerSize, 1 / double.Parse(RoutedScaling));
        TinyParts.GatedExpert(weights, block + "shared_experts.", HiddenSize, MoeInnerSize);
    }

    private string Config() => $$"""
        {
          "architectures": ["Glm4MoeForCausalLM"],
          "attention_bias": true,
          "attention_dropout": 0.0,
          "eos_token_id": [1, 2],
          "first_k_dense_replace": 1,
          "head_dim": {{HeadDim}},
          "hidden_act": "silu",
          "hidden_size": {{HiddenSize}},
          "initializer_range": 0.02,
          "intermediate_size": {{DenseInnerSize}},
          "max_position_embeddings": 256,
          "model_type": "glm4_moe",
          "moe_intermediate_size": {{MoeInnerSize}},
          "n_group": 1,
          "n_routed_experts": {{ExpertCount}},
          "n_shared_experts": 1,
          "norm_topk_prob": true,
          "num_attention_heads": {{HeadCount}},
          "num_experts_per_tok": 3,
          "num_hidden_layers": {{LayerCount}},
          "num_key_value_heads": {{KvHeadCount}},
          "num_nextn_predict_layers": 1,
          "pad_token_id": 0,
          "rms_norm_eps": 1e-05,
          {{Rope}},
          "routed_scaling_factor": {{RoutedScaling}},
          "tie_word_embeddings": false,
          "topk_group": 1,
          "torch_dtype": "bfloat16",
          "transformers_version": "4.54.0",
          "use_cache": true,
          "use_qk_norm": {{(HasHeadNorm ? "true" : "false")}},
          "vocab_size": {{VocabularySize}}
        }
        """;
}
