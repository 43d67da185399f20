namespace MegaInfer.Engine.Model.Families;

/// <summary>DeepSeek-V2 and -V3 and what is built like them: latent attention, dense layers first, shared experts, experts in groups.</summary>
internal static class DeepSeek
{
    private static readonly ModelFamily Shared = new()
    {
        ModelType = "",
        Architecture = "",
        Fields = new ConfigFields { DefaultContextLength = 2048, DefaultNormEpsilon = 1e-6f },
        Attention = new LatentFields(),
        Rope = new RopeFields { DefaultTheta = 10_000f, IsAdjacent = new Switch("rope_interleave", true) },
        Router = new RouterFields { ExpertCount = "n_routed_experts" },
        Experts = new ExpertFields { Width = "moe_intermediate_size", Shared = new SharedExpertFields { Count = "n_shared_experts" } },
        Layers = new LayerFields { FirstDense = "first_k_dense_replace", ExpertFrequency = "moe_layer_freq" },
        Tensors = new TensorPatterns
        {
            Router = "model.layers.{layer}.mlp.gate.weight",
            ExpertGate = new("model.layers.{layer}.mlp.experts.{expert}.gate_proj.weight"),
            ExpertUp = new("model.layers.{layer}.mlp.experts.{expert}.up_proj.weight"),
            ExpertDown = new("model.layers.{layer}.mlp.experts.{expert}.down_proj.weight"),
            KnownExtras = [KnownExtra.InverseFrequencies, KnownExtra.AttentionMasks, KnownExtra.MultiTokenPrediction],
        },
    };

    /// <summary>Softmax scores; a group is chosen by its best expert; weights are normalised or scaled, never both.</summary>
    public static ModelFamily V2 { get; } = Shared with
    {
        ModelType = "deepseek_v2",
        Architecture = "DeepseekV2ForCausalLM",
        Router = Shared.Router with
        {
            IsNormalized = new Switch("norm_topk_prob", false),
            Methods = [("greedy", false), ("group_limited_greedy", true)],
            Groups = "n_group",
            Scaling = "routed_scaling_factor",
            ScalesOnlyUnnormalized = true,
        },
    };

    /// <summary>Sigmoid scores with a correction for the choice; a group is chosen by its two best experts.</summary>
    public static ModelFamily V3 { get; } = Shared with
    {
        ModelType = "deepseek_v3",
        Architecture = "DeepseekV3ForCausalLM",
        Fields = Shared.Fields with { DefaultContextLength = 4096 },
        Router = Shared.Router with
        {
            Score = RouterScore.Sigmoid,
            IsNormalized = new Switch("norm_topk_prob", true),
            HasCorrection = true,
            Methods = [("noaux_tc", true)],
            Groups = "n_group",
            DefaultGroups = (8, 4),
            GroupScore = GroupScore.TopTwo,
            Scaling = "routed_scaling_factor",
            DefaultScaling = 2.5f,
        },
        Layers = Shared.Layers with { DefaultFirstDense = 3 },
    };

    /// <summary>Kimi-K2: DeepSeek-V3's class under its own name.</summary>
    public static ModelFamily KimiK2 { get; } = V3 with { ModelType = "kimi_k2" };
}
