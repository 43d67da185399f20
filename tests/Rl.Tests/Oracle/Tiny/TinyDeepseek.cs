namespace MegaInfer.Rl.Tests.Oracle.Tiny;

/// <summary>DeepSeek-V2, V2-Lite, V3 (R1 is one) and Kimi-K2.</summary>
internal static class TinyDeepseek
{
    public static TinyModel Second { get; } = new TinyDeepseekShape
    {
        ModelType = "deepseek_v2",
        QueryLatent = 40,
        GroupCount = 4,
        ChosenGroupCount = 2,
        RoutedScaling = "16.0",
        TopkMethod = "group_limited_greedy",
        // The two mscales differ, unlike the hub's, so that their ratio and their use in the softmax both show.
        RopeScaling = Yarn(factor: 8, fast: "2", slow: "0.25", scale: "1.0", scaleOfAll: "0.707"),
        Gain = 1.45,
    }.Model("deepseek_v2", shardCount: 2);

    public static TinyModel SecondLite { get; } = new TinyDeepseekShape
    {
        ModelType = "deepseek_v2",
        TopkMethod = "greedy",
        RopeScaling = Yarn(factor: 8, fast: "2", slow: "0.25", scale: "0.707", scaleOfAll: "0.707"),
        Gain = 1.45,
    }.Model("deepseek_v2_lite");

    /// <summary>As published: FP8, and a layer for multi-token prediction behind the last.</summary>
    public static TinyModel Third { get; } = new TinyDeepseekShape
    {
        ModelType = "deepseek_v3",
        HiddenSize = 160,
        QueryLatent = 144,
        KvLatent = 136,
        MoeInnerSize = 136,
        DenseInnerSize = 264,
        GroupCount = 4,
        ChosenGroupCount = 2,
        SharedCount = 1,
        RoutedScaling = "2.5",
        TopkMethod = "noaux_tc",
        RopeScaling = Yarn(factor: 8, fast: "2", slow: "0.25", scale: "1.0", scaleOfAll: "1.0"),
        IsFp8 = true,
        ExtraLayerCount = 1,
        Gain = 1.4,
    }.Model("deepseek_v3", shardCount: 3);

    /// <summary>In bf16, without YaRN, every second layer dense, and a correction bias far from 0 that does not survive rounding.</summary>
    public static TinyModel ThirdInBFloat16 { get; } = new TinyDeepseekShape
    {
        ModelType = "deepseek_v3",
        LayerCount = 4,
        QueryLatent = 40,
        SharedCount = 1,
        GroupCount = 2,
        LayerStep = 2,
        RoutedScaling = "2.5",
        TopkMethod = "noaux_tc",
        CorrectionMean = 24,
    }.Model("deepseek_v3_bf16");

    public static TinyModel KimiSecond { get; } = new TinyDeepseekShape
    {
        ModelType = "kimi_k2",
        HiddenSize = 160,
        QueryLatent = 56,
        KvLatent = 72,
        MoeInnerSize = 48,
        SharedCount = 1,
        RoutedScaling = "2.827",
        TopkMethod = "noaux_tc",
        // Both bounds of the ramp meet, as in the hub's.
        RopeScaling = Yarn(factor: 8, fast: "1.0", slow: "1.0", scale: "1.0", scaleOfAll: "1.0"),
        IsFp8 = true,
        Gain = 1.4,
    }.Model("kimi_k2", shardCount: 2);

    private static string Yarn(int factor, string fast, string slow, string scale, string scaleOfAll) => $$"""
        {
            "beta_fast": {{fast}},
            "beta_slow": {{slow}},
            "factor": {{factor}},
            "mscale": {{scale}},
            "mscale_all_dim": {{scaleOfAll}},
            "original_max_position_embeddings": 24,
            "type": "yarn"
          }
        """;
}
