namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>Groups of tensors that most families name alike.</summary>
internal static class TinyParts
{
    /// <summary>Embedding, final norm and LM head.</summary>
    public static void Ends(TinyWeights weights, int vocabularySize, int hiddenSize, bool isTied = false)
    {
        weights.Embedding("model.embed_tokens.weight", vocabularySize, hiddenSize);
        weights.FinalNorm("model.norm.weight", hiddenSize, isTied);
        if (!isTied)
            weights.Projection("lm_head.weight", vocabularySize, hiddenSize, 1);
    }

    /// <summary>The two norms of a layer.</summary>
    public static void LayerNorms(TinyWeights weights, int layer, int hiddenSize)
    {
        weights.Norm($"model.layers.{layer}.input_layernorm.weight", hiddenSize);
        weights.Norm($"model.layers.{layer}.post_attention_layernorm.weight", hiddenSize);
    }

    /// <summary>Grouped-query attention; queries and keys of the gain that gives the scores their spread.</summary>
    public static void Attention(TinyWeights weights, int layer, TinyAttention shape)
    {
        string prefix = $"model.layers.{layer}.self_attn.";
        int queryWidth = shape.HeadCount * shape.HeadDim;
        int keyWidth = shape.KvHeadCount * shape.HeadDim;
        weights.Quantised(prefix + "q_proj.weight", queryWidth, shape.HiddenSize, shape.Gain);
        weights.Quantised(prefix + "k_proj.weight", keyWidth, shape.HiddenSize, shape.Gain);
        weights.Quantised(prefix + "v_proj.weight", keyWidth, shape.HiddenSize, 1);
        weights.Quantised(prefix + "o_proj.weight", shape.HiddenSize, queryWidth, weights.AttentionGain);
        if (shape.HasQkvBias)
        {
            weights.Vector(prefix + "q_proj.bias", [queryWidth], 0, 0.5);
            weights.Vector(prefix + "k_proj.bias", [keyWidth], 0, 0.5);
            weights.Vector(prefix + "v_proj.bias", [keyWidth], 0, 0.5);
        }
        if (shape.HasOutputBias)
            weights.Vector(prefix + "o_proj.bias", [shape.HiddenSize], 0, weights.AttentionGain);
    }

    /// <summary>An expert or a dense layer; the share is what its output is made smaller by where a router makes it larger.</summary>
    public static void GatedExpert(TinyWeights weights, string prefix, int hiddenSize, int innerSize, double share = 1) =>
        Gated(weights, prefix, hiddenSize, innerSize, ("gate_proj", "up_proj", "down_proj"), share);

    /// <summary>An expert under Mixtral's names.</summary>
    public static void NumberedExpert(TinyWeights weights, string prefix, int hiddenSize, int innerSize) =>
        Gated(weights, prefix, hiddenSize, innerSize, ("w1", "w3", "w2"), share: 1);

    /// <summary>What a layer for multi-token prediction has besides the tensors of any layer.</summary>
    public static void MultiTokenLayer(TinyWeights weights, int layer, int vocabularySize, int hiddenSize)
    {
        string prefix = $"model.layers.{layer}.";
        weights.Embedding(prefix + "embed_tokens.weight", vocabularySize, hiddenSize);
        weights.Norm(prefix + "enorm.weight", hiddenSize);
        weights.Norm(prefix + "hnorm.weight", hiddenSize);
        weights.Projection(prefix + "eh_proj.weight", hiddenSize, 2 * hiddenSize, 1);
        weights.Projection(prefix + "shared_head.head.weight", vocabularySize, hiddenSize, 1);
        weights.Norm(prefix + "shared_head.norm.weight", hiddenSize);
    }

    private static void Gated(TinyWeights weights, string prefix, int hiddenSize, int innerSize, (string Gate, string Up, string Down) names, double share)
    {
        weights.Quantised($"{prefix}{names.Gate}.weight", innerSize, hiddenSize, 1.5);
        weights.Quantised($"{prefix}{names.Up}.weight", innerSize, hiddenSize, 1);
        weights.Quantised($"{prefix}{names.Down}.weight", hiddenSize, innerSize, weights.FeedForwardGain * share);
    }
}

/// <summary>The shape of a layer's attention.</summary>
internal sealed record TinyAttention(int HiddenSize, int HeadCount, int KvHeadCount, int HeadDim)
{
    /// <summary>Of queries and keys; the scores' standard deviation is about its square.</summary>
    public double Gain { get; init; } = 1.7;

    public bool HasQkvBias { get; init; }

    public bool HasOutputBias { get; init; }
}
