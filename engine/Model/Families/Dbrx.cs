namespace MegaInfer.Engine.Model.Families;

/// <summary>DBRX: LayerNorm without bias; one clamped projection for q, k and v; the experts of a layer below one another in three tensors.</summary>
internal static class Dbrx
{
    private const string Block = "transformer.blocks.{layer}.";

    public static ModelFamily Family { get; } = new()
    {
        ModelType = "dbrx",
        Architecture = "DbrxForCausalLM",
        Fields = new ConfigFields
        {
            HiddenSize = "d_model",
            LayerCount = "n_layers",
            ContextLength = "max_seq_len",
            DefaultContextLength = 2048,
            Norm = NormKind.Layer,
            NormEpsilon = null,
            DefaultNormEpsilon = 1e-5f,
            Activation = "ffn_config.ffn_act_fn.name",
        },
        Attention = new GroupedFields { HeadCount = "n_heads", KvHeadCount = "attn_config.kv_n_heads", ClipQkv = "attn_config.clip_qkv" },
        Rope = new RopeFields { Theta = "attn_config.rope_theta", DefaultTheta = 10_000f },
        Router = new RouterFields { ExpertCount = "ffn_config.moe_num_experts", ExpertsPerToken = "ffn_config.moe_top_k" },
        Experts = new ExpertFields { Width = "ffn_config.ffn_hidden_size" },
        Fixed =
        [
            // 1: the sum of the chosen weights. Null: they are left as they are. Other norms are none of the router's.
            new FixedField("ffn_config.moe_normalize_expert_weights", "1") { RefusesNull = true },
            new FixedField("attn_config.attn_type", "\"grouped_query_attention\""),
            new FixedField("tie_word_embeddings", "false"),
        ],
        Tensors = new TensorPatterns
        {
            Embedding = "transformer.wte.weight",
            AttentionNorm = Block + "norm_attn_norm.norm_1.weight",
            FusedQkv = Block + "norm_attn_norm.attn.Wqkv.weight",
            Output = Block + "norm_attn_norm.attn.out_proj.weight",
            FfnNorm = Block + "norm_attn_norm.norm_2.weight",
            Router = Block + "ffn.router.layer.weight",
            ExpertGate = new(Block + "ffn.experts.mlp.w1") { Stacking = ExpertStacking.Rows },
            ExpertUp = new(Block + "ffn.experts.mlp.v1") { Stacking = ExpertStacking.Rows },
            ExpertDown = new(Block + "ffn.experts.mlp.w2") { Stacking = ExpertStacking.Rows, IsTransposed = true },
            FinalNorm = "transformer.norm_f.weight",
            KnownExtras = [new KnownExtra(Block + "norm_attn_norm.attn.rotary_emb.inv_freq", "rope frequencies")],
        },
    };
}
