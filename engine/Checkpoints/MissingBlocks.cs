using System.Text.Json;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Says what keeps an unknown <c>model_type</c> from being served: a block that this program does not have, where the config tells; otherwise its description.</summary>
internal static class MissingBlocks
{
    /// <summary>Fields, any of which shows that the model has the block. A star stands for the rest of a name, an equals sign for the value.</summary>
    private static readonly (string Block, string[] Signs)[] Table =
    [
        ("linear attention", ["linear_*", "layer_types=linear_attention", "attn_type_list=0", "full_attention_interval", "full_attn_idxs", "lightning_*"]),
        ("state-space (Mamba) layers", ["mamba_*", "ssm_*", "state_size", "conv_kernel", "hybrid_override_pattern", "layers_block_type=mamba", "layer_types=mamba"]),
        ("recurrent layers", ["rwkv_*", "recurrent_*", "lru_width"]),
        ("cross attention", ["is_encoder_decoder=true", "add_cross_attention=true", "cross_attention_*", "num_encoder_layers", "encoder_layers"]),
        ("sparse attention by an indexer", ["index_topk", "index_n_heads", "sparse_attention_*"]),
        ("attention in chunks", ["attention_chunk_size", "layer_types=chunked_attention", "no_rope_layers"]),
        ("soft-capped logits", ["final_logit_softcapping", "attn_logit_softcapping", "logit_softcap"]),
        ("a router that is neither softmax nor sigmoid", ["router_type", "scoring_func=*", "score_func=*", "router_activation", "use_expert_choice=true", "zero_expert_num"]),
        ("an encoder of pictures or sound", ["vision_config", "audio_config", "text_config", "thinker_config"]),
    ];

    private static readonly string[] RouterScores = ["softmax", "sigmoid"];

    private static readonly string[] ExpertCounts = ["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", "num_moe_experts", "ffn_config", "moe_config"];

    /// <summary>The sentence for a config that no family describes.</summary>
    public static CheckpointException Of(ConfigReader config, string modelType)
    {
        string supported = $"supported: {ModelFamilies.Names}";
        JsonProperty[] properties = [.. config.Root.EnumerateObject().Where(property => property.Value.ValueKind != JsonValueKind.Null)];
        foreach ((string block, string[] signs) in Table)
        {
            if (signs.Select(sign => Find(properties, sign)).FirstOrDefault(found => found is not null) is { } field)
                return Sentence($"it needs {block} (\"{Shorten(field)}\"), which this program does not have");
        }

        return properties.Any(property => ExpertCounts.Contains(property.Name))
            ? Sentence("no family describes it")
            : Sentence("it has no experts (none of its fields counts them), and dense models are not served");

        CheckpointException Sentence(string reason) => new($"{config.Path}: \"model_type\" = \"{Shorten(modelType)}\" is not supported: {reason}; {supported}.");
    }

    private static string? Find(JsonProperty[] properties, string sign)
    {
        string[] parts = sign.Split('=');
        foreach (JsonProperty property in properties)
        {
            bool isName = parts[0].EndsWith('*') ? property.Name.StartsWith(parts[0][..^1], StringComparison.Ordinal) : property.Name == parts[0];
            if (isName && (parts.Length == 1 || HasValue(property.Value, parts[1])))
                return property.Name;
        }

        return null;
    }

    private static bool HasValue(JsonElement value, string expected) => value.ValueKind switch
    {
        JsonValueKind.Array => value.EnumerateArray().Any(element => element.ValueKind != JsonValueKind.Array && HasValue(element, expected)),
        JsonValueKind.String when expected == "*" => !RouterScores.Contains(value.GetString()),
        JsonValueKind.String => value.ValueEquals(expected),
        JsonValueKind.Object => false,
        _ => value.GetRawText() == expected,
    };

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "...";
}
