namespace MegaInfer.Engine.Model.Families;

/// <summary>GLM-4.5-MoE: grouped-query attention that rotates half of a head; dense layers first; the rest is DeepSeek-V3's router and shared expert.</summary>
internal static class Glm4Moe
{
    public static ModelFamily Family { get; } = new()
    {
        ModelType = "glm4_moe",
        Architecture = "Glm4MoeForCausalLM",
        Fields = new ConfigFields { DefaultContextLength = 131_072, DefaultNormEpsilon = 1e-5f },
        Attention = new GroupedFields
        {
            HeadNorm = HeadNorm.PerHead,
            IsHeadNormed = new Switch("use_qk_norm", false),
            QkvBias = new Switch("attention_bias", false),
        },
        Rope = new RopeFields { DefaultTheta = 10_000f, DefaultShare = 0.5f },
        Router = new RouterFields
        {
            ExpertCount = "n_routed_experts",
            Score = RouterScore.Sigmoid,
            IsNormalized = new Switch("norm_topk_prob", true),
            HasCorrection = true,
            Groups = "n_group",
            GroupScore = GroupScore.TopTwo,
            Scaling = "routed_scaling_factor",
        },
        Experts = new ExpertFields { Width = "moe_intermediate_size", Shared = new SharedExpertFields { Count = "n_shared_experts" } },
        Layers = new LayerFields { FirstDense = "first_k_dense_replace", DefaultFirstDense = 1 },
        Tensors = new TensorPatterns
        {
            Router = "model.layers.{layer}.mlp.gate.weight",
            ExpertGate = new("model.layers.{layer}.mlp.experts.{expert}.gate_proj.weight"),
            ExpertUp = new("model.layers.{layer}.mlp.experts.{expert}.up_proj.weight"),
            ExpertDown = new("model.layers.{layer}.mlp.experts.{expert}.down_proj.weight"),
            KnownExtras = [KnownExtra.InverseFrequencies, KnownExtra.AttentionMasks, KnownExtra.MultiTokenPrediction],
        },
    };
}
