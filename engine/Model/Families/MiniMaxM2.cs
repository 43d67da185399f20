namespace MegaInfer.Engine.Model.Families;

/// <summary>MiniMax-M2: queries and keys normed as whole rows; half of a head rotates; sigmoid router with a correction; Mixtral's names.</summary>
internal static class MiniMaxM2
{
    private const string Block = "model.layers.{layer}.block_sparse_moe.";

    public static ModelFamily Family { get; } = new()
    {
        ModelType = "minimax_m2",
        Architecture = "MiniMaxM2ForCausalLM",
        Alias = "minimax",
        Fields = new ConfigFields { DefaultContextLength = 196_608, DefaultNormEpsilon = 1e-6f },
        Attention = new GroupedFields { HeadNorm = HeadNorm.WholeRow, IsHeadNormed = new Switch("use_qk_norm", true) },
        Rope = new RopeFields { DefaultTheta = 5_000_000f, RotaryDim = "rotary_dim" },
        Router = new RouterFields { ExpertCount = "num_local_experts", Score = RouterScore.Sigmoid, HasCorrection = true },
        Experts = new ExpertFields { Width = "intermediate_size" },
        Fixed =
        [
            new FixedField("qk_norm_type", "\"per_layer\""),
            new FixedField("use_routing_bias", "true"),
            new FixedField("attn_type_list", "1") { IsList = true },
            new FixedField("shared_intermediate_size", "0"),
            new FixedField("layernorm_full_attention_alpha", "1"),
            new FixedField("layernorm_full_attention_beta", "1"),
            new FixedField("layernorm_linear_attention_alpha", "1"),
            new FixedField("layernorm_linear_attention_beta", "1"),
            new FixedField("layernorm_mlp_alpha", "1"),
            new FixedField("layernorm_mlp_beta", "1"),
        ],
        Tensors = new TensorPatterns
        {
            Router = Block + "gate.weight",
            RouterCorrection = Block + "e_score_correction_bias",
            ExpertGate = new(Block + "experts.{expert}.w1.weight"),
            ExpertUp = new(Block + "experts.{expert}.w3.weight"),
            ExpertDown = new(Block + "experts.{expert}.w2.weight"),
            KnownExtras = [KnownExtra.InverseFrequencies, KnownExtra.AttentionMasks, KnownExtra.MultiTokenPrediction],
        },
    };
}
