namespace MegaInfer.Engine.Model.Families;

/// <summary>Qwen3-MoE: grouped-query attention with a norm per head; softmax router; some layers may be dense.</summary>
internal static class Qwen3Moe
{
    public static ModelFamily Family { get; } = new()
    {
        ModelType = "qwen3_moe",
        Architecture = "Qwen3MoeForCausalLM",
        Fields = new ConfigFields { DefaultContextLength = 32_768, DefaultNormEpsilon = 1e-6f },
        Attention = new GroupedFields
        {
            HeadNorm = HeadNorm.PerHead,
            QkvBias = new Switch("attention_bias", false),
            OutputBias = new Switch("attention_bias", false),
        },
        Rope = new RopeFields { DefaultTheta = 10_000f },
        Router = new RouterFields { ExpertCount = "num_experts", IsNormalized = new Switch("norm_topk_prob", false) },
        Experts = new ExpertFields { Width = "moe_intermediate_size" },
        Fixed = [new FixedField("use_qk_norm", "true")], // said by some configs, read by nobody
        Layers = new LayerFields
        {
            DenseList = ("mlp_only_layers", "decoder_sparse_step"),
            Window = new WindowFields { IsUsed = new Switch("use_sliding_window", false) },
        },
        Tensors = new TensorPatterns
        {
            Router = "model.layers.{layer}.mlp.gate.weight",
            ExpertGate = new("model.layers.{layer}.mlp.experts.{expert}.gate_proj.weight"),
            ExpertUp = new("model.layers.{layer}.mlp.experts.{expert}.up_proj.weight"),
            ExpertDown = new("model.layers.{layer}.mlp.experts.{expert}.down_proj.weight"),
        },
    };
}
