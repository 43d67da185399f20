namespace MegaInfer.Engine.Model.Families;

/// <summary>How a family's attention follows from its config.json: <see cref="GroupedFields"/> or <see cref="LatentFields"/>.</summary>
public abstract record AttentionFields;

/// <summary>A <see cref="GroupedAttentionSpec"/>.</summary>
public sealed record GroupedFields : AttentionFields
{
    public string HeadCount { get; init; } = "num_attention_heads";

    /// <summary>Absent: as many as query heads.</summary>
    public string KvHeadCount { get; init; } = "num_key_value_heads";

    /// <summary>Absent: the hidden size divided by the heads.</summary>
    public string HeadDim { get; init; } = "head_dim";

    /// <summary>The head norm where <see cref="IsHeadNormed"/>.</summary>
    public HeadNorm HeadNorm { get; init; }

    public Switch IsHeadNormed { get; init; } = Switch.Always;

    public Switch QkvBias { get; init; } = Switch.Never;

    public Switch OutputBias { get; init; } = Switch.Never;

    /// <summary>Null where the family does not clamp.</summary>
    public string? ClipQkv { get; init; }

    public bool HasSinks { get; init; }
}

/// <summary>A <see cref="LatentAttentionSpec"/>, as DeepSeek names its sizes.</summary>
public sealed record LatentFields : AttentionFields
{
    public string HeadCount { get; init; } = "num_attention_heads";

    /// <summary>Absent or null: queries come straight from the row.</summary>
    public string QueryRank { get; init; } = "q_lora_rank";

    public string KvRank { get; init; } = "kv_lora_rank";

    public string NopeDim { get; init; } = "qk_nope_head_dim";

    public string RopeDim { get; init; } = "qk_rope_head_dim";

    public string ValueHeadDim { get; init; } = "v_head_dim";
}
