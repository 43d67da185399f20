namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>Groups of tensors that most families name alike.</summary>
internal static class TinyParts
{
    /// <summary>
    /// Embedding, final norm and LM head. The embedding's mean square is near the norms' epsilon, so that a wrong epsilon shows.
    /// </summary>
    public static void Ends(TinyWeights weights, int vocabularySize, int hiddenSize, double normEpsilon, bool isTied = false)
    {
        double deviation = isTied ? 1 / Math.Sqrt(hiddenSize) : Math.Sqrt(30 * normEpsilon);
        weights.Vector("model.embed_tokens.weight", [vocabularySize, hiddenSize], 0, deviation);
        weights.Norm("model.norm.weight", hiddenSize);
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
        weights.Quantised(prefix + "o_proj.weight", shape.HiddenSize, queryWidth, shape.OutputGain);
        if (shape.HasQkvBias)
        {
            weights.Vector(prefix + "q_proj.bias", [queryWidth], 0, 0.5);
            weights.Vector(prefix + "k_proj.bias", [keyWidth], 0, 0.5);
            weights.Vector(prefix + "v_proj.bias", [keyWidth], 0, 0.5);
        }
        if (shape.HasOutputBias)
            weights.Vector(prefix + "o_proj.bias", [shape.HiddenSize], 0, 0.2);
    }

    /// <summary>A gate, an up and a down projection, by their names.</summary>
    public static void GatedExpert(TinyWeights weights, string prefix, int hiddenSize, int innerSize, string gate = "gate_proj", string up = "up_proj", string down = "down_proj")
    {
        weights.Quantised($"{prefix}{gate}.weight", innerSize, hiddenSize, 1.5);
        weights.Quantised($"{prefix}{up}.weight", innerSize, hiddenSize, 1);
        weights.Quantised($"{prefix}{down}.weight", hiddenSize, innerSize, 1);
    }
}

/// <summary>The shape of a layer's attention.</summary>
internal sealed record TinyAttention(int HiddenSize, int HeadCount, int KvHeadCount, int HeadDim)
{
    /// <summary>Of queries and keys; the scores' standard deviation is about its square.</summary>
    public double Gain { get; init; } = 1.7;

    public double OutputGain { get; init; } = 0.6;

    public bool HasQkvBias { get; init; }

    public bool HasOutputBias { get; init; }
}
