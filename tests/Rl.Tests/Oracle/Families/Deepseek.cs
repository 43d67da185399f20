namespace MegaInfer.Rl.Tests.Oracle.Families;

/// <summary>
/// DeepSeek-V2 and V2-Lite (softmax router, groups by their best expert), DeepSeek-V3 and R1 (sigmoid router with a correction bias, groups by their
/// two best) and Kimi-K2 (V3 under a name of its own): latent attention, dense layers first, shared experts.
/// </summary>
internal static class Deepseek
{
    public static OracleModel BuildSecond(OracleContext context) => Build(context, (config, block) =>
    {
        bool hasGroups = config.Text("topk_method") switch
        {
            "greedy" => false,
            "group_limited_greedy" => true,
            var other => throw new NotSupportedException($"DeepSeek-V2 does not define the topk_method {other}."),
        };
        // The two definitions in use differ here: one normalises instead of scaling, the other does not normalise at all.
        if (config.Flag("norm_topk_prob", false))
            throw new NotSupportedException("The oracle does not know a DeepSeek-V2 with norm_topk_prob.");
        return new OracleRouter(context)
        {
            Weight = block + "gate.weight",
            ChosenCount = config.Integer("num_experts_per_tok"),
            GroupCount = hasGroups ? config.Integer("n_group") : 1,
            ChosenGroupCount = hasGroups ? config.Integer("topk_group") : 1,
            Scale = config.Number("routed_scaling_factor"),
        };
    });

    public static OracleModel BuildThird(OracleContext context) => Build(context, (config, block) => NoAuxiliaryLoss(context, block + "gate."));

    /// <summary>The router that topk_method "noaux_tc" names; GLM has it too.</summary>
    public static OracleRouter NoAuxiliaryLoss(OracleContext context, string gate) => new(context)
    {
        Weight = gate + "weight",
        CorrectionBias = gate + "e_score_correction_bias",
        Scoring = OracleScoring.Sigmoid,
        ChosenCount = context.Config.Integer("num_experts_per_tok"),
        GroupCount = context.Config.Integer("n_group"),
        ChosenGroupCount = context.Config.Integer("topk_group"),
        GroupsCountTwoBest = true,
        NormalisationPower = context.Config.Flag("norm_topk_prob", true) ? 1 : null,
        Scale = context.Config.Number("routed_scaling_factor"),
    };

    private static OracleModel Build(OracleContext context, Func<OracleConfig, string, OracleRouter> router)
    {
        OracleConfig config = context.Config;
        if (config.Flag("attention_bias", false))
            throw new NotSupportedException("The oracle does not know latent attention with biases.");
        OracleNorm norm = OracleFamilies.Norm(context);
        return OracleFamilies.Model(context, norm, layer =>
        {
            string block = $"model.layers.{layer}.mlp.";
            bool isSparse = layer >= config.Integer("first_k_dense_replace") && layer % config.Integer("moe_layer_freq", 1) == 0;
            IOracleBlock feedForward = isSparse
                ? new OracleSparseFeedForward(context, router(config, block), new OracleGatedExperts(context, expert => $"{block}experts.{expert}."))
                {
                    // All shared experts are one, of their joint width.
                    Shared = config.Integer("n_shared_experts", 0) > 0 ? new OracleGatedExperts(context, _ => block + "shared_experts.") : null,
                }
                : new OracleFeedForward(new OracleGatedExperts(context, _ => block));
            return OracleLayer.Of(layer, Attention(context, norm, $"model.layers.{layer}.self_attn."), feedForward);
        });
    }

    private static OracleLatentAttention Attention(OracleContext context, OracleNorm norm, string prefix)
    {
        OracleConfig config = context.Config;
        int rotaryDim = config.Integer("qk_rope_head_dim");
        OracleRopeForm rope = OracleRopeForm.Read(config, rotaryDim);
        return new OracleLatentAttention(context, prefix)
        {
            HeadCount = config.Integer("num_attention_heads"),
            LatentDim = config.Integer("kv_lora_rank"),
            HasQueryLatent = config.Has("q_lora_rank"),
            PlainDim = config.Integer("qk_nope_head_dim"),
            RotaryDim = rotaryDim,
            ValueDim = config.Integer("v_head_dim"),
            Norm = norm,
            Rope = new OracleRope(context, rope, rotaryDim, hasAdjacentPairs: true),
            Scores = new OracleScores(context),
            SoftmaxFactor = rope.Yarn?.SoftmaxFactor ?? 1,
        };
    }
}
