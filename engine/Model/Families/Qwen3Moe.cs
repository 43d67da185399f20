namespace MegaInfer.Engine.Model.Families;

/// <summary>Qwen3-MoE: grouped-query attention with a norm per head; softmax router.</summary>
internal static class Qwen3Moe
{
    public static ModelFamily Family { get; } = new()
    {
        ModelType = "qwen3_moe",
        Architecture = "Qwen3MoeForCausalLM",
        HasHeadNorm = true,
        Fields = new ConfigFields
        {
            ExpertCount = "num_experts",
            ExpertWidth = "moe_intermediate_size",
            RouterNormalized = "norm_topk_prob",
            SlidingWindowSwitch = "use_sliding_window",
            DefaultRopeTheta = 10_000f,
            DefaultNormEpsilon = 1e-6f,
            DefaultContextLength = 32_768,
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
