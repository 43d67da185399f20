namespace MegaInfer.Engine.Model.Families;

/// <summary>
/// A family's tensor names as the hub has them. <c>{layer}</c> and <c>{expert}</c> stand for the indexes. What Qwen3-MoE and Mixtral share is the default.
/// </summary>
public sealed record TensorPatterns
{
    public string Embedding { get; init; } = "model.embed_tokens.weight";

    public string AttentionNorm { get; init; } = "model.layers.{layer}.input_layernorm.weight";

    public string Query { get; init; } = "model.layers.{layer}.self_attn.q_proj.weight";

    public string Key { get; init; } = "model.layers.{layer}.self_attn.k_proj.weight";

    public string Value { get; init; } = "model.layers.{layer}.self_attn.v_proj.weight";

    public string QueryNorm { get; init; } = "model.layers.{layer}.self_attn.q_norm.weight";

    public string KeyNorm { get; init; } = "model.layers.{layer}.self_attn.k_norm.weight";

    public string Output { get; init; } = "model.layers.{layer}.self_attn.o_proj.weight";

    public string FfnNorm { get; init; } = "model.layers.{layer}.post_attention_layernorm.weight";

    public required string Router { get; init; }

    public required string ExpertGate { get; init; }

    public required string ExpertUp { get; init; }

    public required string ExpertDown { get; init; }

    public string FinalNorm { get; init; } = "model.norm.weight";

    public string LmHead { get; init; } = "lm_head.weight";

    /// <summary>Tensors that old savers wrote and nobody reads: allowed, and ignored.</summary>
    public IReadOnlyList<string> KnownExtras { get; init; } = ["model.layers.{layer}.self_attn.rotary_emb.inv_freq"];
}
