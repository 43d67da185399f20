namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>
/// The names of what the families have beyond the plain decoder. An oracle can be asked to make the mistake that a name stands for: what it then
/// computes is what an implementation without that feature would.
/// </summary>
public static class OracleFeature
{
    /// <summary>Out: rotary frequencies as if there were no scaling.</summary>
    public const string RopeScaling = "rope_scaling";

    /// <summary>Out: every frequency is divided by the factor, without YaRN's ramp.</summary>
    public const string RopeRamp = "rope_ramp";

    /// <summary>Out: YaRN's bounds are rounded where they should not be, or not rounded where they should.</summary>
    public const string RopeTruncation = "rope_truncation";

    /// <summary>Out: YaRN's ramp runs between 32 rotations and 1, whatever the config says.</summary>
    public const string RopeBetas = "rope_betas";

    /// <summary>Out: YaRN counts rotations in max_position_embeddings instead of the original length.</summary>
    public const string RopeOriginalLength = "rope_original_length";

    /// <summary>Out: YaRN's factor on sine and cosine is 1.</summary>
    public const string AttentionFactor = "attention_factor";

    /// <summary>Out: mscale_all_dim does not enter the scale of the attention scores.</summary>
    public const string SoftmaxScale = "softmax_scale";

    /// <summary>Out: halves rotate where adjacent pairs should, or the other way.</summary>
    public const string RopeLayout = "rope_layout";

    /// <summary>Out: the whole head rotates.</summary>
    public const string PartialRotary = "partial_rotary";

    /// <summary>Out: every earlier position is visible.</summary>
    public const string Window = "window";

    /// <summary>Out: the window shows one position more.</summary>
    public const string WindowEdge = "window_edge";

    /// <summary>Out: layers without a window get one.</summary>
    public const string WindowLayers = "window_layers";

    /// <summary>Out: the attention weights of a row sum to 1.</summary>
    public const string Sinks = "sinks";

    /// <summary>Out: no norm on queries and keys.</summary>
    public const string HeadNorm = "head_norm";

    /// <summary>Out: queries and keys are normalised head by head instead of over all heads.</summary>
    public const string NormWidth = "norm_width";

    /// <summary>Out: queries, keys and values are not clipped.</summary>
    public const string ClipQkv = "clip_qkv";

    /// <summary>Out: queries and keys are clipped before their norm instead of after it.</summary>
    public const string ClipPosition = "clip_position";

    /// <summary>Out: no bias on queries, keys and values.</summary>
    public const string QkvBias = "qkv_bias";

    /// <summary>Out: no bias on attention's output.</summary>
    public const string OutputBias = "output_bias";

    /// <summary>Out: the latent that keys and values come from is not normalised.</summary>
    public const string LatentNorm = "latent_norm";

    /// <summary>Out: the latent that queries come from is not normalised.</summary>
    public const string QueryLatentNorm = "query_latent_norm";

    /// <summary>Out: a layer norm keeps the mean, as an RMS norm does.</summary>
    public const string LayerNormMean = "layernorm_mean";

    /// <summary>Out: the norms' epsilon is 0.</summary>
    public const string NormEpsilon = "norm_epsilon";

    /// <summary>Out: no bias on the router's logits.</summary>
    public const string RouterBias = "router_bias";

    /// <summary>Out: the correction bias does not take part in the choice.</summary>
    public const string CorrectionBias = "correction_bias";

    /// <summary>Out: the correction bias is rounded to bf16.</summary>
    public const string CorrectionPrecision = "correction_precision";

    /// <summary>Out: the correction bias enters the weights too.</summary>
    public const string UnbiasedWeights = "unbiased_weights";

    /// <summary>Out: experts of all groups can be chosen.</summary>
    public const string Groups = "groups";

    /// <summary>Out: a group's score is its best expert where it should be the sum of the two best, or the other way.</summary>
    public const string GroupScore = "group_score";

    /// <summary>Out: the chosen weights are normalised where they should not be, or not where they should.</summary>
    public const string Normalisation = "normalisation";

    /// <summary>Out: the chosen weights are divided by their sum instead of another norm.</summary>
    public const string NormalisationPower = "normalisation_power";

    /// <summary>Out: the softmax runs over all experts instead of the chosen ones.</summary>
    public const string SoftmaxOfChosen = "softmax_of_chosen";

    /// <summary>Out: the chosen weights are not scaled.</summary>
    public const string RoutedScaling = "routed_scaling";

    /// <summary>Out: no shared expert.</summary>
    public const string SharedExpert = "shared_expert";

    /// <summary>Out: the shared expert's gate is 1.</summary>
    public const string SharedGate = "shared_gate";

    /// <summary>Out: no bias in the experts.</summary>
    public const string ExpertBias = "expert_bias";

    /// <summary>Out: gate and up values are not clamped.</summary>
    public const string Clamp = "clamp";

    /// <summary>Out: the gate's sigmoid has the slope 1.</summary>
    public const string GateSlope = "gate_slope";

    /// <summary>Out: the up values are used without the 1 that is added to them.</summary>
    public const string UpOffset = "up_offset";

    /// <summary>Out: gate and up are taken as two halves instead of alternating rows.</summary>
    public const string GateUpLayout = "gate_up_layout";

    /// <summary>Out: stacked down projections are read as [hidden, inner] instead of [inner, hidden].</summary>
    public const string DownLayout = "down_layout";

    /// <summary>Out: the first scale of an FP8 matrix serves all of its blocks.</summary>
    public const string ScaleBlocks = "scale_blocks";

    /// <summary>Out: the high half of an MXFP4 byte comes first.</summary>
    public const string NibbleOrder = "nibble_order";

    /// <summary>Every name.</summary>
    public static IReadOnlySet<string> All { get; } =
        typeof(OracleFeature).GetFields().Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!).ToHashSet();
}
