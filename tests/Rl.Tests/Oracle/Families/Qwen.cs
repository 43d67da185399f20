namespace MegaInfer.Rl.Tests.Oracle.Families;

/// <summary>
/// Qwen2-MoE (biases on queries, keys and values; a shared expert behind a sigmoid gate) and Qwen3-MoE (a norm on each head's query and key instead
/// of both).
/// </summary>
internal static class Qwen
{
    public static OracleModel BuildSecond(OracleContext context) => Build(context, isSecond: true);

    public static OracleModel BuildThird(OracleContext context) => Build(context, isSecond: false);

    private static OracleModel Build(OracleContext context, bool isSecond)
    {
        OracleConfig config = context.Config;
        if (config.Flag("use_sliding_window", false))
            throw new NotSupportedException("The oracle does not know Qwen's windows.");
        OracleNorm norm = OracleFamilies.Norm(context);
        int headDim = OracleFamilies.HeadDim(config);
        return OracleFamilies.Model(context, norm, layer =>
        {
            bool hasBias = isSecond ? config.Flag("qkv_bias", true) : config.Flag("attention_bias", false);
            var attention = new OracleAttention(context, $"model.layers.{layer}.self_attn.")
            {
                HeadCount = config.Integer("num_attention_heads"),
                KvHeadCount = config.Integer("num_key_value_heads"),
                HeadDim = headDim,
                Norm = norm,
                HeadNorm = isSecond ? OracleHeadNorm.None : OracleHeadNorm.EachHead,
                HasQkvBias = hasBias,
                HasOutputBias = hasBias && !isSecond,
                Rope = new OracleRope(context, OracleRopeForm.Read(config, headDim), headDim),
                Scores = new OracleScores(context),
            };
            string block = $"model.layers.{layer}.mlp.";
            return OracleLayer.Of(layer, attention, IsSparse(config, layer) ? Sparse(context, block, isSecond) : Dense(context, block));
        });
    }

    private static bool IsSparse(OracleConfig config, int layer) =>
        config.Integer("num_experts") > 0
        && (layer + 1) % config.Integer("decoder_sparse_step", 1) == 0
        && !config.Integers("mlp_only_layers").Contains(layer);

    private static OracleFeedForward Dense(OracleContext context, string block) => new(new OracleGatedExperts(context, _ => block));

    private static OracleSparseFeedForward Sparse(OracleContext context, string block, bool isSecond)
    {
        var router = new OracleRouter(context)
        {
            Weight = block + "gate.weight",
            ChosenCount = context.Config.Integer("num_experts_per_tok"),
            NormalisationPower = context.Config.Flag("norm_topk_prob", false) ? 1 : null,
        };
        return new OracleSparseFeedForward(context, router, new OracleGatedExperts(context, expert => $"{block}experts.{expert}."))
        {
            Shared = isSecond ? new OracleGatedExperts(context, _ => block + "shared_expert.") : null,
            SharedGate = isSecond ? block + "shared_expert_gate.weight" : null,
        };
    }
}
