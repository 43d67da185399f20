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

    public required int LayerCount { get; init; }

    public required int VocabularySize { get; init; }

    /// <summary>Positions a sequence may have, prompt and generated tokens together.</summary>
    public required int ContextLength { get; init; }

    public required float NormEpsilon { get; init; }

    /// <summary>The LM head is the embedding table.</summary>
    public required bool HasTiedEmbeddings { get; init; }

    public required AttentionSpec Attention { get; init; }

    public required RopeSpec Rope { get; init; }

    public required RouterSpec Router { get; init; }

    public required ExpertSpec Experts { get; init; }

    /// <summary>Tokens that end a sequence: config.json and generation_config.json together, ascending.</summary>
    public required IReadOnlyList<int> EosTokenIds { get; init; }

    public int? BosTokenId { get; init; }
}

/// <summary>Grouped-query attention. Query head h reads KV head h / (HeadCount / KvHeadCount).</summary>
/// <param name="HeadCount">Query heads.</param>
/// <param name="KvHeadCount">Key and value heads; divides HeadCount.</param>
/// <param name="HeadDim">Width of a head.</param>
/// <param name="HasHeadNorm">RMSNorm per head on queries and keys before rope (Qwen3).</param>
/// <param name="HasBias">The q, k and v projections have a bias.</param>
public sealed record AttentionSpec(int HeadCount, int KvHeadCount, int HeadDim, bool HasHeadNorm, bool HasBias)
{
    public int QueryWidth => HeadCount * HeadDim;

    public int KvWidth => KvHeadCount * HeadDim;

    /// <summary>Scores are multiplied by it: 1 / sqrt(head dim).</summary>
    public float Scale => 1f / MathF.Sqrt(HeadDim);
}

/// <summary>Rotary positions: half-split pairs (i, i + RotaryDim/2), angle = position * Theta^(-2i/RotaryDim).</summary>
public sealed record RopeSpec(float Theta, int RotaryDim);

/// <summary>The gate: softmax over ExpertCount logits, then the ExpertsPerToken largest, ties to the lower expert.</summary>
/// <param name="ExpertCount">Routed experts in each layer.</param>
/// <param name="ExpertsPerToken">Experts that each row visits (top-k).</param>
/// <param name="IsNormalized">The chosen weights are divided by their sum.</param>
public sealed record RouterSpec(int ExpertCount, int ExpertsPerToken, bool IsNormalized);

/// <summary>A SwiGLU expert: down(silu(gate(x)) * up(x)).</summary>
/// <param name="Width">Rows of gate and up.</param>
public sealed record ExpertSpec(int Width);
