namespace MegaInfer.Rl.Tests.Oracle.Families;

/// <summary>Mixtral: plain grouped-query attention, a window where the config has one, and experts whose weights always sum to 1.</summary>
internal static class Mixtral
{
    public static OracleModel Build(OracleContext context)
    {
        OracleConfig config = context.Config;
        OracleNorm norm = OracleFamilies.Norm(context);
        int headDim = OracleFamilies.HeadDim(config);
        return OracleFamilies.Model(context, norm, layer =>
        {
            var attention = new OracleAttention(context, $"model.layers.{layer}.self_attn.")
            {
                HeadCount = config.Integer("num_attention_heads"),
                KvHeadCount = config.Integer("num_key_value_heads"),
                HeadDim = headDim,
                Norm = norm,
                Rope = new OracleRope(context, OracleRopeForm.Read(config, headDim), headDim),
                Scores = new OracleScores(context) { Window = config.Has("sliding_window") ? config.Integer("sliding_window") : null },
            };
            string block = $"model.layers.{layer}.block_sparse_moe.";
            var router = new OracleRouter(context)
            {
                Weight = block + "gate.weight",
                ChosenCount = config.Integer("num_experts_per_tok"),
                NormalisationPower = 1, // whatever the config says
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
