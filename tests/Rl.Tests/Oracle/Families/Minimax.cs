namespace MegaInfer.Rl.Tests.Oracle.Families;

/// <summary>
/// MiniMax-M2: queries and keys are normalised over all heads at once, the first rotary_dim dimensions of each head turn, and a sigmoid router has
/// a correction bias that lies beside its gate.
/// </summary>
internal static class Minimax
{
    public static OracleModel Build(OracleContext context)
    {
        OracleConfig config = context.Config;
        OracleNorm norm = OracleFamilies.Norm(context);
        int headDim = OracleFamilies.HeadDim(config);
        int rotaryDim = config.Integer("rotary_dim", headDim);
        return OracleFamilies.Model(context, norm, layer =>
        {
            var attention = new OracleAttention(context, $"model.layers.{layer}.self_attn.")
            {
                HeadCount = config.Integer("num_attention_heads"),
                KvHeadCount = config.Integer("num_key_value_heads"),
                HeadDim = headDim,
                Norm = norm,
                HeadNorm = config.Flag("use_qk_norm", true) ? OracleHeadNorm.AllHeads : OracleHeadNorm.None,
                Rope = new OracleRope(context, OracleRopeForm.Read(config, rotaryDim), headDim),
                Scores = new OracleScores(context),
            };
            string block = $"model.layers.{layer}.block_sparse_moe.";
            var router = new OracleRouter(context)
            {
                Weight = block + "gate.weight",
                CorrectionBias = config.Flag("use_routing_bias", true) ? block + "e_score_correction_bias" : null,
                Scoring = OracleScoring.Sigmoid,
                ChosenCount = config.Integer("num_experts_per_tok"),
                NormalisationPower = 1,
            };
            var experts = new OracleGatedExperts(context, expert => $"{block}experts.{expert}.")
            {
                GateName = "w1.weight",
                UpName = "w3.weight",
                DownName = "w2.weight",
            };
            return OracleLayer.Of(layer, attention, new OracleSparseFeedForward(context, router, experts));
        });
    }
}
