namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>The shape of one of DeepSeek's models: its config and its weights.</summary>
internal sealed class TinyDeepseekShape
{
    private const double NormEpsilon = 1e-6;

    public required string ModelType { get; init; }

    public int VocabularySize { get; init; } = 336;

    public int HiddenSize { get; init; } = 96;

    public int LayerCount { get; init; } = 3;

    public int ExtraLayerCount { get; init; }

    public int HeadCount { get; init; } = 4;

    public int? QueryLatent { get; init; }

    public int KvLatent { get; init; } = 48;

    public int PlainDim { get; init; } = 24;

    public int RotaryDim { get; init; } = 16;

    public int ValueDim { get; init; } = 40;

    public int DenseInnerSize { get; init; } = 112;

    public int MoeInnerSize { get; init; } = 40;

    public int ExpertCount { get; init; } = 12;

    public int SharedCount { get; init; } = 2;

    public int GroupCount { get; init; } = 1;

    public int ChosenGroupCount { get; init; } = 1;

    public int LayerStep { get; init; } = 1;

    public required string TopkMethod { get; init; }

    public string RoutedScaling { get; init; } = "1.0";

    public string RopeScaling { get; init; } = "null";

    public bool IsFp8 { get; init; }

    public double CorrectionMean { get; init; } = 0.5;

    /// <summary>Of queries and keys.</summary>
    public double Gain { get; init; } = 1.7;

    private bool IsSigmoid => TopkMethod == "noaux_tc";

    public TinyModel Model(string name, int shardCount = 1) => new(name, Config(), Tensors) { ShardCount = shardCount };

    private IReadOnlyList<TinyTensor> Tensors(int seed)
    {
        var weights = new TinyWeights(seed, "BF16", NormEpsilon) { ScaleType = IsFp8 ? "F32" : null };
        TinyParts.Ends(weights, VocabularySize, HiddenSize);
        for (int layer = 0; layer < LayerCount + ExtraLayerCount; layer++)
        {
            if (layer >= LayerCount)
                TinyParts.MultiTokenLayer(weights, layer, VocabularySize, HiddenSize);
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
