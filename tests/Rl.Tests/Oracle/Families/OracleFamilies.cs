namespace MegaInfer.Rl.Tests.Oracle.Families;

/// <summary>From a config's model_type to the model that it means.</summary>
internal static class OracleFamilies
{
    /// <exception cref="NotSupportedException">The oracle does not know the family.</exception>
    public static OracleModel Build(OracleContext context) => context.Config.Text("model_type") switch
    {
        "mixtral" => Mixtral.Build(context),
        "dbrx" => Dbrx.Build(context),
        "qwen2_moe" => Qwen.BuildSecond(context),
        "qwen3_moe" => Qwen.BuildThird(context),
        "olmoe" => Olmoe.Build(context),
        "deepseek_v2" => Deepseek.BuildSecond(context),
        "deepseek_v3" or "kimi_k2" => Deepseek.BuildThird(context),
        "gpt_oss" => GptOss.Build(context),
        "glm4_moe" => Glm.Build(context),
        "minimax_m2" => Minimax.Build(context),
        var other => throw new NotSupportedException($"The oracle does not know the family {other}."),
    };

    /// <summary>The model of a config that names its depth num_hidden_layers. What the files hold past that depth is not read.</summary>
    public static OracleModel Model(OracleContext context, OracleNorm norm, Func<int, OracleLayer> layer) => new()
    {
        Norm = norm,
        Layers = [.. Enumerable.Range(0, context.Config.Integer("num_hidden_layers")).Select(layer)],
    };

    /// <summary>The RMS norm of a config.</summary>
    public static OracleNorm Norm(OracleContext context) => new(context, context.Config.Number("rms_norm_eps"));

    /// <summary>head_dim, or what the hidden size leaves for each head.</summary>
    public static int HeadDim(OracleConfig config) => config.Integer("head_dim", config.Integer("hidden_size") / config.Integer("num_attention_heads"));
}
