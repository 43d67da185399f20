using System.Text.Json;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// Config fields that change what a model computes: a family's description reads them, or they must have a value that leaves the computation as it is. Any other value
/// is refused by name. Fields that concern training or storage only are not listed, and are ignored.
/// </summary>
internal static class UnsupportedVariants
{
    /// <summary>What any family's config may have; a family that reads a field is not held to the line here.</summary>
    private static readonly FixedField[] Shared =
    [
        new("attention_bias", "false"),
        new("qkv_bias", "false"),
        new("use_qkv_bias", "false"),
        new("mlp_bias", "false"),
        new("use_qk_norm", "false"),
        new("decoder_sparse_step", "1"),
        new("mlp_only_layers", "[]"),
        new("first_k_dense_replace", "0"),
        new("moe_layer_freq", "1"),
        new("n_shared_experts", "0"),
        new("num_shared_experts", "0"),
        new("shared_expert_intermediate_size", "0"),
        new("shared_intermediate_size", "0"),
        new("topk_method", "\"greedy\""),
        new("routed_scaling_factor", "1"),
        new("n_group", "1"),
        new("topk_group", "1"),
        new("norm_topk_prob", "true"),
        new("clip_qkv"),
        new("logit_scale", "1"),
        new("logits_scaling", "1"),
        new("embedding_multiplier", "1"),
        new("residual_multiplier", "1"),
        new("attention_multiplier"),
        new("final_logit_softcapping"),
        new("attn_logit_softcapping"),
        new("swiglu_limit"),
        new("swiglu_alpha"),
        new("sliding_window"),
        new("attention_chunk_size"),
        new("layer_types", "\"full_attention\"") { IsList = true },
        new("index_topk"),
        new("linear_attn_config"),
        new("rope_interleave", "false"),
        new("is_encoder_decoder", "false"),
        new("add_cross_attention", "false"),
        new("is_causal", "true"),
        new("parallel_attn", "false"),
        new("zero_expert_num", "0"),
    ];

    /// <exception cref="CheckpointException">A field has a value that would change the computation.</exception>
    public static void Refuse(ConfigReader config, ModelFamily family)
    {
        foreach (FixedField field in family.Fixed)
            Refuse(config, field);
        foreach (FixedField field in Shared)
        {
            if (!config.WasRead(field.Name))
                Refuse(config, field);
        }
    }

    /// <exception cref="CheckpointException">It has another value than it may.</exception>
    public static void Refuse(ConfigReader config, FixedField field)
    {
        if (config.FindStated(field.Name) is not { } value || (value.ValueKind == JsonValueKind.Null && !field.RefusesNull))
            return;
        bool isNeutral = field.IsList
            ? value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(element => Matches(element, field))
            : Matches(value, field);
        if (!isNeutral)
            throw config.Unsupported(field.Name, field.Values.Count == 0 ? "null" : field.IsList ? $"{field.Values[0]} in every place" : field.Values[0]);
    }

    /// <exception cref="CheckpointException">The folder is for another class of model.</exception>
    public static void RefuseOtherArchitecture(ConfigReader config, ModelFamily family)
    {
        if (config.Find("architectures") is { } architectures
            && (architectures.ValueKind != JsonValueKind.Array || !architectures.EnumerateArray().Any(name => Matches(name, $"\"{family.Architecture}\""))))
            throw config.Unsupported("architectures", $"[\"{family.Architecture}\"]");
    }

    private static bool Matches(JsonElement value, FixedField field) => field.Values.Any(accepted => Matches(value, accepted));

    private static bool Matches(JsonElement value, string accepted)
    {
        using JsonDocument document = JsonDocument.Parse(accepted);
        return JsonElement.DeepEquals(document.RootElement, value);
    }
}
