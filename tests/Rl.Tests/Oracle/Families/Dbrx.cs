namespace MegaInfer.Rl.Tests.Oracle.Families;

/// <summary>DBRX: layer norms without a bias, one matrix for queries, keys and values whose output is clipped, and stacked experts.</summary>
internal static class Dbrx
{
    // nn.LayerNorm's own; the config has none.
    private const double NormEpsilon = 1e-5;

    public static OracleModel Build(OracleContext context)
    {
        OracleConfig config = context.Config;
        return new OracleModel
        {
            Embedding = "transformer.wte.weight",
            FinalNorm = "transformer.norm_f.weight",
            Norm = Norm(context),
            Layers = [.. Enumerable.Range(0, config.Integer("n_layers")).Select(layer => Layer(context, $"transformer.blocks.{layer}."))],
        };
    }

    private static OracleNorm Norm(OracleContext context) => new(context, NormEpsilon, removesMean: true);

    private static OracleLayer Layer(OracleContext context, string block)
    {
        OracleConfig config = context.Config;
        OracleConfig attention = config.Section("attn_config")!;
        OracleConfig feedForward = config.Section("ffn_config")!;
        int headDim = config.Integer("d_model") / config.Integer("n_heads");
        var attentionBlock = new OracleAttention(context, block + "norm_attn_norm.attn.")
        {
            HeadCount = config.Integer("n_heads"),
            KvHeadCount = attention.Integer("kv_n_heads"),
            HeadDim = headDim,
            Norm = Norm(context),
            Clip = attention.Has("clip_qkv") ? attention.Number("clip_qkv") : null,
            IsFused = true,
            OutputName = "out_proj",
            Rope = new OracleRope(context, new OracleRopeForm(attention.Number("rope_theta"), headDim), headDim),
            Scores = new OracleScores(context),
        };
        var router = new OracleRouter(context)
        {
            Weight = block + "ffn.router.layer.weight",
            ChosenCount = feedForward.Integer("moe_top_k"),
            NormalisationPower = feedForward.Has("moe_normalize_expert_weights") ? feedForward.Number("moe_normalize_expert_weights") : null,
        };
        var experts = new OracleStackedExperts(context, block + "ffn.experts.mlp.", feedForward.Integer("ffn_hidden_size"));
        return new OracleLayer(
            block + "norm_attn_norm.norm_1.weight",
            attentionBlock,
            block + "norm_attn_norm.norm_2.weight",
            new OracleSparseFeedForward(context, router, experts));
    }
}
