using System.Text.Json;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// Config fields that change what a model computes and that this program does not compute: each with the values that leave the computation as it is. Any
/// other value is refused by name. Fields that concern training or storage only are not listed, and are ignored.
/// </summary>
internal static class UnsupportedVariants
{
    private static readonly (string Field, string Supported, Func<JsonElement, bool> IsNeutral)[] Table =
    [
        ("hidden_act", "\"silu\"", value => IsText(value, "silu", "swish")),
        ("attention_bias", "false", IsFalse),
        ("qkv_bias", "false", IsFalse),
        ("use_qkv_bias", "false", IsFalse),
        ("mlp_bias", "false", IsFalse),
        ("decoder_sparse_step", "1 (every layer has experts)", value => IsNumber(value, 1)),
        ("mlp_only_layers", "[] (every layer has experts)", IsEmptyList),
        ("first_k_dense_replace", "0", value => IsNumber(value, 0)),
        ("moe_layer_freq", "1", value => IsNumber(value, 1)),
        ("n_shared_experts", "0", value => IsNumber(value, 0)),
        ("num_shared_experts", "0", value => IsNumber(value, 0)),
        ("shared_expert_intermediate_size", "0", value => IsNumber(value, 0)),
        ("scoring_func", "\"softmax\"", value => IsText(value, "softmax")),
        ("routed_scaling_factor", "1", value => IsNumber(value, 1)),
        ("n_group", "1", value => IsNumber(value, 1)),
        ("topk_group", "1", value => IsNumber(value, 1)),
        ("clip_qkv", "null", _ => false),
        ("logit_scale", "1", value => IsNumber(value, 1)),
        ("logits_scaling", "1", value => IsNumber(value, 1)),
        ("embedding_multiplier", "1", value => IsNumber(value, 1)),
        ("residual_multiplier", "1", value => IsNumber(value, 1)),
        ("attention_multiplier", "null", _ => false),
        ("final_logit_softcapping", "null", _ => false),
        ("attn_logit_softcapping", "null", _ => false),
        ("swiglu_limit", "null", _ => false),
        ("quantization_config", "none (bf16, fp16 or fp32 weights)", _ => false),
        ("is_encoder_decoder", "false", IsFalse),
    ];

    /// <exception cref="CheckpointException">A field has a value that would change the computation.</exception>
    public static void Refuse(ConfigReader config, ModelFamily family)
    {
        foreach ((string field, string supported, Func<JsonElement, bool> isNeutral) in Table)
        {
            if (config.Find(field) is { } value && !isNeutral(value))
                throw config.Unsupported(field, supported);
        }

        if (config.Find("layer_types") is { } types
            && (types.ValueKind != JsonValueKind.Array || types.EnumerateArray().Any(type => !IsText(type, "full_attention"))))
            throw config.Unsupported("layer_types", "\"full_attention\" in every layer");
        if (config.Find("architectures") is { } architectures
            && (architectures.ValueKind != JsonValueKind.Array || !architectures.EnumerateArray().Any(name => IsText(name, family.Architecture))))
            throw config.Unsupported("architectures", $"[\"{family.Architecture}\"]");
    }

    /// <summary>A window that no sequence can outgrow is no window.</summary>
    public static void RefuseSlidingWindow(ConfigReader config, ModelFamily family, int contextLength)
    {
        string? gate = family.Fields.SlidingWindowSwitch;
        bool isUsed = gate is null || config.Boolean(gate, false);
        if (isUsed && config.Find("sliding_window") is not null && config.Integer("sliding_window", 1, int.MaxValue) < contextLength)
            throw config.Unsupported("sliding_window", "null, or at least max_position_embeddings");
    }

    private static bool IsText(JsonElement value, params string[] accepted) =>
        value.ValueKind == JsonValueKind.String && accepted.Any(text => value.ValueEquals(text));

    private static bool IsNumber(JsonElement value, double accepted) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number == accepted;

    private static bool IsFalse(JsonElement value) => value.ValueKind == JsonValueKind.False;

    private static bool IsEmptyList(JsonElement value) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0;
}
