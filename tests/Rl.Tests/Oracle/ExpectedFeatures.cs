namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>What each variant must have, written down apart from the code that finds it in a config.</summary>
internal static class ExpectedFeatures
{
    private const string YarnStep = "rope_scaling rope_ramp rope_betas rope_original_length";
    private const string Yarn = $"{YarnStep} rope_truncation";
    private const string Latent = "latent_norm shared_expert";
    private const string Corrected = "correction_bias unbiased_weights";
    private const string Biases = "qkv_bias output_bias router_bias expert_bias";
    private const string ClampedExperts = "clamp gate_slope up_offset gate_up_layout";
    private const string GptOss = $"{Yarn} attention_factor window window_edge window_layers sinks {Biases} {ClampedExperts}";

    private static readonly Dictionary<string, string> ByVariant = new()
    {
        ["mixtral"] = "",
        ["mixtral_window"] = "window window_edge",
        ["dbrx"] = "layernorm_mean clip_qkv down_layout",
        ["dbrx_norm2"] = "normalisation_power layernorm_mean clip_qkv down_layout",
        ["qwen2_moe"] = "qkv_bias shared_expert shared_gate",
        ["qwen3_moe"] = "head_norm",
        ["qwen3_moe_dense"] = "head_norm",
        ["qwen3_moe_yarn"] = $"head_norm {Yarn} attention_factor",
        ["qwen3_moe_fp8"] = "head_norm scale_blocks",
        ["olmoe"] = "head_norm norm_width clip_qkv clip_position",
        ["deepseek_v2"] = $"{Latent} query_latent_norm {Yarn} attention_factor softmax_scale groups group_score routed_scaling",
        ["deepseek_v2_lite"] = $"{Latent} {Yarn} softmax_scale",
        ["deepseek_v3"] = $"{Latent} query_latent_norm {Yarn} softmax_scale {Corrected} groups group_score routed_scaling scale_blocks",
        ["deepseek_v3_bf16"] = $"{Latent} query_latent_norm {Corrected} correction_precision groups group_score routed_scaling",
        // Its ramp is a step, wherever its bounds are rounded to.
        ["kimi_k2"] = $"{Latent} query_latent_norm {YarnStep} softmax_scale {Corrected} routed_scaling scale_blocks",
        ["gpt_oss"] = $"{GptOss} nibble_order",
        ["gpt_oss_bf16"] = GptOss,
        ["glm4_moe"] = $"head_norm partial_rotary qkv_bias {Corrected} shared_expert routed_scaling",
        ["glm4_moe_air"] = $"partial_rotary qkv_bias {Corrected} shared_expert",
        ["minimax_m2"] = $"head_norm norm_width partial_rotary {Corrected} scale_blocks",
    };

    /// <summary>The features of a variant, those that all have included.</summary>
    public static IReadOnlyList<string> Of(string variant)
    {
        string[] everywhere = variant.StartsWith("gpt_oss", StringComparison.Ordinal) ? ["softmax_of_chosen"] : ["normalisation"];
        return [.. everywhere, "rope_layout", "norm_epsilon", .. ByVariant[variant].Split(' ', StringSplitOptions.RemoveEmptyEntries)];
    }
}
