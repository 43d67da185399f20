namespace MegaInfer.Engine.Model.Families;

/// <summary>
/// A family's tensor names as the hub has them. <c>{layer}</c> and <c>{expert}</c> stand for the indexes. What most families share is the default; which of the
/// tensors there are, the spec says. A bias lies beside its <c>.weight</c> as <c>.bias</c>.
/// </summary>
public sealed record TensorPatterns
{
    private const string Layer = "model.layers.{layer}.";

    public string Embedding { get; init; } = "model.embed_tokens.weight";

    public string AttentionNorm { get; init; } = Layer + "input_layernorm.weight";

    /// <summary>One tensor with query, key and value projections below one another; null where they are three.</summary>
    public string? FusedQkv { get; init; }

    public string Query { get; init; } = Layer + "self_attn.q_proj.weight";

    public string Key { get; init; } = Layer + "self_attn.k_proj.weight";

    public string Value { get; init; } = Layer + "self_attn.v_proj.weight";

    public string QueryNorm { get; init; } = Layer + "self_attn.q_norm.weight";

    public string KeyNorm { get; init; } = Layer + "self_attn.k_norm.weight";

    public string QueryDown { get; init; } = Layer + "self_attn.q_a_proj.weight";

    public string QueryDownNorm { get; init; } = Layer + "self_attn.q_a_layernorm.weight";

    public string QueryUp { get; init; } = Layer + "self_attn.q_b_proj.weight";

    public string KvDown { get; init; } = Layer + "self_attn.kv_a_proj_with_mqa.weight";

    public string KvDownNorm { get; init; } = Layer + "self_attn.kv_a_layernorm.weight";

    public string KvUp { get; init; } = Layer + "self_attn.kv_b_proj.weight";

    public string Sinks { get; init; } = Layer + "self_attn.sinks";

    public string Output { get; init; } = Layer + "self_attn.o_proj.weight";

    public string FfnNorm { get; init; } = Layer + "post_attention_layernorm.weight";

    public required string Router { get; init; }

    public string RouterCorrection { get; init; } = Layer + "mlp.gate.e_score_correction_bias";

    public required ExpertPattern ExpertGate { get; init; }

    public required ExpertPattern ExpertUp { get; init; }

    public required ExpertPattern ExpertDown { get; init; }

    /// <summary>Stacked experts may be 4-bit numbers, in <c>_blocks</c> and <c>_scales</c> of the same names.</summary>
    public bool HasMxFloat4 { get; init; }

    /// <summary>The module whose gate_proj, up_proj and down_proj are the shared expert.</summary>
    public string SharedExpert { get; init; } = Layer + "mlp.shared_experts";

    public string SharedExpertGate { get; init; } = Layer + "mlp.shared_expert_gate.weight";

    /// <summary>The module whose gate_proj, up_proj and down_proj are a dense layer's FFN.</summary>
    public string Dense { get; init; } = Layer + "mlp";

    public string FinalNorm { get; init; } = "model.norm.weight";

    public string LmHead { get; init; } = "lm_head.weight";

    /// <summary>Tensors that savers write and nobody reads: allowed, and ignored.</summary>
    public IReadOnlyList<KnownExtra> KnownExtras { get; init; } = [KnownExtra.InverseFrequencies, KnownExtra.AttentionMasks];
}
