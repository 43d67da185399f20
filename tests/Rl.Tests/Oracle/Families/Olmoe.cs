namespace MegaInfer.Rl.Tests.Oracle.Families;

/// <summary>OLMoE: queries and keys are normalised over all heads at once, then clipped; the experts' weights are what the softmax gives.</summary>
internal static class Olmoe
{
    public static OracleModel Build(OracleContext context)
    {
        OracleConfig config = context.Config;
        OracleNorm norm = OracleFamilies.Norm(context);
        int headDim = OracleFamilies.HeadDim(config);
        return OracleFamilies.Model(context, norm, layer =>
        {
            bool hasBias = config.Flag("attention_bias", false);
            var attention = new OracleAttention(context, $"model.layers.{layer}.self_attn.")
            {
                HeadCount = config.Integer("num_attention_heads"),
                KvHeadCount = config.Integer("num_key_value_heads"),
                HeadDim = headDim,
                Norm = norm,
                HeadNorm = OracleHeadNorm.AllHeads,
                Clip = config.Has("clip_qkv") ? config.Number("clip_qkv") : null,
                HasQkvBias = hasBias,
                HasOutputBias = hasBias,
                Rope = new OracleRope(context, OracleRopeForm.Read(config, headDim), headDim),
                Scores = new OracleScores(context),
            };
            string block = $"model.layers.{layer}.mlp.";
            var router = new OracleRouter(context)
            {
                Weight = block + "gate.weight",
                ChosenCount = config.Integer("num_experts_per_tok"),
                NormalisationPower = config.Flag("norm_topk_prob", false) ? 1 : null,
            };
            var experts = new OracleGatedExperts(context, expert => $"{block}experts.{expert}.");
            return OracleLayer.Of(layer, attention, new OracleSparseFeedForward(context, router, experts));
        });
    }
}
