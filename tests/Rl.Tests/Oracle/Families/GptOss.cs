namespace MegaInfer.Rl.Tests.Oracle.Families;

/// <summary>gpt-oss: biases everywhere, a sink per head, a window in some layers, YaRN, and clamped experts in one tensor.</summary>
internal static class GptOss
{
    public static OracleModel Build(OracleContext context)
    {
        OracleConfig config = context.Config;
        OracleNorm norm = OracleFamilies.Norm(context);
        int headDim = OracleFamilies.HeadDim(config);
        return OracleFamilies.Model(context, norm, layer =>
        {
            string prefix = $"model.layers.{layer}.self_attn.";
            bool hasBias = config.Flag("attention_bias", true);
            var attention = new OracleAttention(context, prefix)
            {
                HeadCount = config.Integer("num_attention_heads"),
                KvHeadCount = config.Integer("num_key_value_heads"),
                HeadDim = headDim,
                Norm = norm,
                HasQkvBias = hasBias,
                HasOutputBias = hasBias,
                Rope = new OracleRope(context, OracleRopeForm.Read(config, headDim), headDim),
                Scores = new OracleScores(context)
                {
                    Sinks = prefix + "sinks",
                    Window = HasWindow(context, layer) ? config.Integer("sliding_window") : null,
                },
            };
            string block = $"model.layers.{layer}.mlp.";
            var router = new OracleRouter(context)
            {
                Weight = block + "router.weight",
                Bias = block + "router.bias",
                Scoring = OracleScoring.SoftmaxOfChosen,
                ChosenCount = config.Integer("num_experts_per_tok"),
            };
            var experts = new OracleClampedExperts(context, block + "experts.", config.Number("swiglu_limit", 7));
            return OracleLayer.Of(layer, attention, new OracleSparseFeedForward(context, router, experts));
        });
    }

    private static bool HasWindow(OracleContext context, int layer) => context.Config.Texts("layer_types")[layer] switch
    {
        "sliding_attention" => true,
        "full_attention" => !context.Features.Keeps(OracleFeature.WindowLayers),
        var other => throw new NotSupportedException($"gpt-oss does not define the layer type {other}."),
    };
}
