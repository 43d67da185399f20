namespace MegaInfer.Engine.Model.Families;

/// <summary>gpt-oss: every other layer attends through a window; each head has a sink; biases everywhere; clamped SwiGLU; gate and up interleaved in one tensor.</summary>
internal static class GptOss
{
    private const string Layer = "model.layers.{layer}.";

    private static readonly ExpertPattern Gate = new(Layer + "mlp.experts.gate_up_proj")
    {
        Stacking = ExpertStacking.Leading,
        IsTransposed = true,
        Turns = 2,
        Bias = Layer + "mlp.experts.gate_up_proj_bias",
    };

    public static ModelFamily Family { get; } = new()
    {
        ModelType = "gpt_oss",
        Architecture = "GptOssForCausalLM",
        Fields = new ConfigFields { DefaultContextLength = 131_072, DefaultNormEpsilon = 1e-5f },
        Attention = new GroupedFields { QkvBias = new Switch("attention_bias", true), OutputBias = new Switch("attention_bias", true), HasSinks = true },
        Rope = new RopeFields { DefaultTheta = 150_000f, MustBeStated = true },
        Router = new RouterFields { ExpertCount = "num_local_experts", HasBias = true }, // a softmax of the chosen logits: the same as dividing by their sum
        Experts = new ExpertFields { Width = "intermediate_size", Activation = Activation.ClampedSwiglu, HasBias = true },
        Layers = new LayerFields { Window = new WindowFields { Layers = WindowedLayers.Even, HasLayerTypes = true } },
        Tensors = new TensorPatterns
        {
            Router = Layer + "mlp.router.weight",
            ExpertGate = Gate,
            ExpertUp = Gate with { Turn = 1 },
            ExpertDown = new(Layer + "mlp.experts.down_proj")
            {
                Stacking = ExpertStacking.Leading,
                IsTransposed = true,
                Bias = Layer + "mlp.experts.down_proj_bias",
            },
            HasMxFloat4 = true,
        },
    };
}
