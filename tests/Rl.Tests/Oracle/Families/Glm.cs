namespace MegaInfer.Rl.Tests.Oracle.Families;

/// <summary>GLM-4.5 and Air: DeepSeek-V3's router on grouped-query attention of which the first part of each head turns.</summary>
internal static class Glm
{
    public static OracleModel Build(OracleContext context)
    {
        OracleConfig config = context.Config;
        OracleNorm norm = OracleFamilies.Norm(context);
        int headDim = OracleFamilies.HeadDim(config);
        double turningPart = config.Number("partial_rotary_factor", 1);
        turningPart = config.Section("rope_parameters")?.Number("partial_rotary_factor", turningPart) ?? turningPart;
        OracleRopeForm ropeForm = OracleRopeForm.Read(config, (int)(headDim * turningPart));
        return OracleFamilies.Model(context, norm, layer =>
        {
            var attention = new OracleAttention(context, $"model.layers.{layer}.self_attn.")
            {
                HeadCount = config.Integer("num_attention_heads"),
                KvHeadCount = config.Integer("num_key_value_heads"),
                HeadDim = headDim,
                Norm = norm,
                HeadNorm = config.Flag("use_qk_norm", false) ? OracleHeadNorm.EachHead : OracleHeadNorm.None,
                HasQkvBias = config.Flag("attention_bias", false), // never on the output
                Rope = new OracleRope(context, ropeForm, headDim),
                Scores = new OracleScores(context),
            };
            string block = $"model.layers.{layer}.mlp.";
            IOracleBlock feedForward = layer >= config.Integer("first_k_dense_replace")
                ? new OracleSparseFeedForward(
                    context,
                    Deepseek.NoAuxiliaryLoss(context, block + "gate."),
                    new OracleGatedExperts(context, expert => $"{block}experts.{expert}."))
                {
                    Shared = new OracleGatedExperts(context, _ => block + "shared_experts."),
                }
                : new OracleFeedForward(new OracleGatedExperts(context, _ => block));
            return OracleLayer.Of(layer, attention, feedForward);
        });
    }
}
