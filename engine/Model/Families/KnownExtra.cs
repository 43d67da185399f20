namespace MegaInfer.Engine.Model.Families;

/// <summary>Tensors of a checkpoint that its model does not compute with.</summary>
/// <param name="Pattern">
/// A name, or the beginning of names if it ends in a dot. <c>{layer}</c> stands for any layer of the model, <c>{next}</c> for the number after the last.
/// </param>
/// <param name="What">For the line that reports them: a plural noun.</param>
public sealed record KnownExtra(string Pattern, string What)
{
    /// <summary>What savers of old wrote beside each attention.</summary>
    public static KnownExtra InverseFrequencies { get; } = new("model.layers.{layer}.self_attn.rotary_emb.inv_freq", "rope frequencies");

    /// <summary>Buffers that savers of old wrote with attention.</summary>
    public static KnownExtra AttentionMasks { get; } = new("model.layers.{layer}.self_attn.masked_bias", "attention masks");

    /// <summary>A block after the last layer that guesses further tokens, as DeepSeek-V3 has it.</summary>
    public static KnownExtra MultiTokenPrediction { get; } =
        new("model.layers.{next}.", "multi-token-prediction tensors") { Proof = "model.layers.{next}.eh_proj.weight" };

    /// <summary>The tensor that shows that a prefix means what is said here, and not a layer that the config does not count.</summary>
    public string? Proof { get; init; }
}
