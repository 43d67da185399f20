namespace MegaInfer.Engine.Model;

/// <summary>
/// What a model is, as data: the blocks every family is described by. Read once from the checkpoint's config.json; the same on every node.
/// A family is a way to fill this in and a table of tensor names, never a copy of the forward pass.
/// </summary>
public sealed record ModelSpec
{
    /// <summary>The config's <c>model_type</c>, for example <c>qwen3_moe</c> or <c>mixtral</c>.</summary>
    public required string Family { get; init; }

    /// <summary>Width of a row: one token's hidden vector.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>The layers, first to last: what differs between them.</summary>
    public required IReadOnlyList<LayerSpec> Layers { get; init; }

    public int LayerCount => Layers.Count;

    public required int VocabularySize { get; init; }

    /// <summary>Positions a sequence may have, prompt and generated tokens together.</summary>
    public required int ContextLength { get; init; }

    /// <summary>The norms before attention, before the experts and before the LM head. Norms of queries, keys and latents are always RMSNorm.</summary>
    public NormKind Norm { get; init; }

    public required float NormEpsilon { get; init; }

    /// <summary>The LM head is the embedding table.</summary>
    public required bool HasTiedEmbeddings { get; init; }

    public required AttentionSpec Attention { get; init; }

    public required RopeSpec Rope { get; init; }

    public required RouterSpec Router { get; init; }

    /// <summary>The routed experts.</summary>
    public required ExpertSpec Experts { get; init; }

    /// <summary>An expert that every row of a layer with experts visits, on the attention side; null where there is none.</summary>
    public SharedExpertSpec? SharedExpert { get; init; }

    /// <summary>Width of the plain FFN of dense layers; 0 where every layer has experts. Its activation is SwiGLU.</summary>
    public int DenseWidth { get; init; }

    /// <summary>Tokens that end a sequence: config.json and generation_config.json together, ascending.</summary>
    public required IReadOnlyList<int> EosTokenIds { get; init; }

    public int? BosTokenId { get; init; }

    public WeightFormat Weights { get; init; } = new(NumberType.BFloat16);
}
