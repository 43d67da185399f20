namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>What each variant must have, written down apart from the code that finds it in a config.</summary>
internal static class ExpectedFeatures
{
    private const string Yarn = "rope_scaling rope_ramp rope_truncation rope_original_length";

    private static readonly Dictionary<string, string> ByVariant = new()
    {
        ["mixtral"] = "",
        ["mixtral_window"] = "window window_edge",
        ["qwen3_moe"] = "head_norm",
        ["qwen3_moe_dense"] = "head_norm",
        ["qwen3_moe_yarn"] = $"head_norm {Yarn} attention_factor",
        ["qwen3_moe_fp8"] = "head_norm scale_blocks",
    };

    /// <summary>The features of a variant, those that all have included.</summary>
    public static IReadOnlyList<string> Of(string variant)
    {
        string[] everywhere = variant.StartsWith("gpt_oss", StringComparison.Ordinal) ? ["softmax_of_chosen"] : ["normalisation"];
        return [.. everywhere, "rope_layout", "norm_epsilon", .. ByVariant[variant].Split(' ', StringSplitOptions.RemoveEmptyEntries)];
    }
}
