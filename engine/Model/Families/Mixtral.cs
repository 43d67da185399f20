namespace MegaInfer.Engine.Model.Families;

/// <summary>Mixtral: grouped-query attention; softmax router whose chosen weights always sum to 1.</summary>
internal static class Mixtral
{
    public static ModelFamily Family { get; } = new()
    {
        ModelType = "mixtral",
        Architecture = "MixtralForCausalLM",
        Fields = new ConfigFields { DefaultContextLength = 131_072, DefaultNormEpsilon = 1e-5f },
        Attention = new GroupedFields(),
        Rope = new RopeFields { DefaultTheta = 1_000_000f },
        Router = new RouterFields { ExpertCount = "num_local_experts" },
        Experts = new ExpertFields { Width = "intermediate_size" },
        Layers = new LayerFields { Window = new WindowFields() },
        Tensors = new TensorPatterns
        {
            Router = "model.layers.{layer}.block_sparse_moe.gate.weight",
            ExpertGate = new("model.layers.{layer}.block_sparse_moe.experts.{expert}.w1.weight"),
            ExpertUp = new("model.layers.{layer}.block_sparse_moe.experts.{expert}.w3.weight"),
            ExpertDown = new("model.layers.{layer}.block_sparse_moe.experts.{expert}.w2.weight"),
        },
    };
}
