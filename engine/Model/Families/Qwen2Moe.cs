namespace MegaInfer.Engine.Model.Families;

/// <summary>Qwen2-MoE (Qwen1.5-MoE too): biased q, k and v; a shared expert with a gate of its own beside the routed ones.</summary>
internal static class Qwen2Moe
{
    public static ModelFamily Family { get; } = new()
    {
        ModelType = "qwen2_moe",
        Architecture = "Qwen2MoeForCausalLM",
        Fields = new ConfigFields { DefaultContextLength = 32_768, DefaultNormEpsilon = 1e-6f },
        Attention = new GroupedFields { QkvBias = new Switch("qkv_bias", true) },
        Rope = new RopeFields { DefaultTheta = 10_000f },
        Router = new RouterFields { ExpertCount = "num_experts", IsNormalized = new Switch("norm_topk_prob", false) },
        Experts = new ExpertFields
        {
            Width = "moe_intermediate_size",
            Shared = new SharedExpertFields { Width = "shared_expert_intermediate_size", HasGate = true },
        },
        Layers = new LayerFields
        {
            DenseList = ("mlp_only_layers", "decoder_sparse_step"),
            Window = new WindowFields
            {
                IsUsed = new Switch("use_sliding_window", false),
                Layers = WindowedLayers.EvenBelowMaximum,
                HasLayerTypes = true,
            },
        },
        Tensors = new TensorPatterns
        {
            Router = "model.layers.{layer}.mlp.gate.weight",
            ExpertGate = new("model.layers.{layer}.mlp.experts.{expert}.gate_proj.weight"),
            ExpertUp = new("model.layers.{layer}.mlp.experts.{expert}.up_proj.weight"),
            ExpertDown = new("model.layers.{layer}.mlp.experts.{expert}.down_proj.weight"),
            SharedExpert = "model.layers.{layer}.mlp.shared_expert",
        },
    };
}
