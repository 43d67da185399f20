namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>A model as the oracle runs it: names of what every family has, and the blocks of each layer.</summary>
internal sealed record OracleModel
{
    public string Embedding { get; init; } = "model.embed_tokens.weight";

    public string FinalNorm { get; init; } = "model.norm.weight";

    public string Head { get; init; } = "lm_head.weight";

    public required OracleNorm Norm { get; init; }

    public required IReadOnlyList<OracleLayer> Layers { get; init; }
}

/// <summary>One decoder layer: x + attention(norm(x)), then x + feed-forward(norm(x)).</summary>
internal sealed record OracleLayer(string AttentionNorm, IOracleBlock Attention, string FeedForwardNorm, IOracleBlock FeedForward)
{
    /// <summary>With the names most families use.</summary>
    public static OracleLayer Of(int layer, IOracleBlock attention, IOracleBlock feedForward) =>
        new($"model.layers.{layer}.input_layernorm.weight", attention, $"model.layers.{layer}.post_attention_layernorm.weight", feedForward);
}
