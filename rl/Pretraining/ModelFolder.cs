using System.Text.Encodings.Web;
using System.Text.Json;
using MegaInfer.Rl.Tokens;

namespace MegaInfer.Rl.Pretraining;

/// <summary>Writes a Hugging Face folder of the Qwen3-MoE family: configuration, weights in bfloat16, tokenizer and chat template.</summary>
internal static class ModelFolder
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes all files; an existing folder's files of these names are replaced.</summary>
    public static void Write(string folder, ParameterLayout layout, float[] parameters, BytePairEncoding encoding)
    {
        Directory.CreateDirectory(folder);
        WriteJson(folder, "config.json", ConfigOf(layout.Shape, encoding));
        WriteJson(folder, "generation_config.json", new Dictionary<string, object>
        {
            ["bos_token_id"] = encoding.EndOfText,
            ["eos_token_id"] = new[] { encoding.EndOfMessage, encoding.EndOfText },
            ["pad_token_id"] = encoding.EndOfText,
            ["do_sample"] = true,
            ["temperature"] = 0.3,
            ["top_p"] = 0.95,
        });
        WriteJson(folder, "tokenizer.json", TokenizerFile.Describe(encoding));
        WriteJson(folder, "tokenizer_config.json", new Dictionary<string, object?>
        {
            ["tokenizer_class"] = "Qwen2Tokenizer",
            ["add_prefix_space"] = false,
            ["add_bos_token"] = false,
            ["bos_token"] = null,
            ["eos_token"] = "<|im_end|>",
            ["pad_token"] = "<|endoftext|>",
            ["unk_token"] = null,
            ["errors"] = "replace",
            ["clean_up_tokenization_spaces"] = false,
            ["split_special_tokens"] = false,
            ["model_max_length"] = ModelShape.MaxPositions,
            ["added_tokens_decoder"] = BytePairEncoding.Specials.Select((text, i) => (Id: encoding.EndOfText + i, Text: text))
                .ToDictionary(token => token.Id.ToString(), token => TokenizerFile.Special(token.Text)),
            ["chat_template"] = ChatEncoder.Template,
        });
        SafeTensorsWriter.Write(Path.Combine(folder, "model.safetensors"), HubTensors.Of(layout, parameters));
    }

    private static Dictionary<string, object?> ConfigOf(ModelShape shape, BytePairEncoding encoding) => new()
    {
        ["architectures"] = new[] { "Qwen3MoeForCausalLM" },
        ["model_type"] = "qwen3_moe",
        ["vocab_size"] = shape.VocabularySize,
        ["hidden_size"] = shape.HiddenSize,
        ["num_hidden_layers"] = shape.LayerCount,
        ["num_attention_heads"] = shape.QueryHeads,
        ["num_key_value_heads"] = shape.KeyValueHeads,
        ["head_dim"] = ModelShape.HeadSize,
        ["num_experts"] = shape.ExpertCount,
        ["num_experts_per_tok"] = ModelShape.ExpertsPerToken,
        ["moe_intermediate_size"] = shape.ExpertSize,
        ["intermediate_size"] = shape.ExpertSize * ModelShape.ExpertsPerToken,
        ["norm_topk_prob"] = true,
        ["decoder_sparse_step"] = 1,
        ["mlp_only_layers"] = Array.Empty<int>(),
        ["hidden_act"] = "silu",
        ["attention_bias"] = false,
        ["attention_dropout"] = 0.0,
        ["rms_norm_eps"] = 1e-6,
        ["rope_theta"] = ModelShape.RopeTheta,
        ["rope_scaling"] = null,
        ["sliding_window"] = null,
        ["use_sliding_window"] = false,
        ["max_position_embeddings"] = ModelShape.MaxPositions,
        ["tie_word_embeddings"] = true,
        ["initializer_range"] = 0.02,
        ["output_router_logits"] = false,
        ["router_aux_loss_coef"] = 0.02,
        ["torch_dtype"] = "bfloat16",
        ["use_cache"] = true,
        ["bos_token_id"] = encoding.EndOfText,
        ["eos_token_id"] = encoding.EndOfMessage,
    };

    /// <summary>Writes one indented JSON file.</summary>
    public static void WriteJson(string folder, string name, object content) =>
        File.WriteAllText(Path.Combine(folder, name), JsonSerializer.Serialize(content, Json) + "\n");
}
