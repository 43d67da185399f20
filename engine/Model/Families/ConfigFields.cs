namespace MegaInfer.Engine.Model.Families;

/// <summary>
/// How a family's config.json names the sizes of a model, and what its authors' code takes for an absent field. A dot leads into an object: <c>attn_config.kv_n_heads</c>.
/// </summary>
public sealed record ConfigFields
{
    public string HiddenSize { get; init; } = "hidden_size";

    public string LayerCount { get; init; } = "num_hidden_layers";

    public string ContextLength { get; init; } = "max_position_embeddings";

    public required int DefaultContextLength { get; init; }

    public NormKind Norm { get; init; }

    /// <summary>Null where the epsilon is always the default one.</summary>
    public string? NormEpsilon { get; init; } = "rms_norm_eps";

    public required float DefaultNormEpsilon { get; init; }

    /// <summary>Names the activation, which must be SiLU.</summary>
    public string Activation { get; init; } = "hidden_act";
}
