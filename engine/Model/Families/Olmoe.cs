namespace MegaInfer.Engine.Model.Families;

/// <summary>OLMoE: queries and keys are normed as whole rows, then clamped with the values.</summary>
internal static class Olmoe
{
    public static ModelFamily Family { get; } = new()
    {
        ModelType = "olmoe",
        Architecture = "OlmoeForCausalLM",
        Fields = new ConfigFields { DefaultContextLength = 4096, DefaultNormEpsilon = 1e-5f },
        Attention = new GroupedFields
        {
            HeadNorm = HeadNorm.WholeRow,
            QkvBias = new Switch("attention_bias", false),
            OutputBias = new Switch("attention_bias", false),
            ClipQkv = "clip_qkv",
        },
        Rope = new RopeFields { DefaultTheta = 10_000f },
        Router = new RouterFields { ExpertCount = "num_experts", IsNormalized = new Switch("norm_topk_prob", false) },
        Experts = new ExpertFields { Width = "intermediate_size" },
        Fixed = [new FixedField("use_qk_norm", "true")], // said by some configs, read by nobody
        Tensors = new TensorPatterns
        {
            Router = "model.layers.{layer}.mlp.gate.weight",
            ExpertGate = new("model.layers.{layer}.mlp.experts.{expert}.gate_proj.weight"),
            ExpertUp = new("model.layers.{layer}.mlp.experts.{expert}.up_proj.weight"),
            ExpertDown = new("model.layers.{layer}.mlp.experts.{expert}.down_proj.weight"),
        },
    };
}
