using System.Text.Json;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints.Random;

/// <summary>Writes config.json and generation_config.json as the hub's own tools would for this shape.</summary>
internal static class RandomConfigFiles
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    public static void Write(string folder, RandomModelOptions options, ModelFamily family)
    {
        WriteConfig(Path.Combine(folder, ModelConfig.FileName), options, family);
        if (!HasTokenizer(options))
            return;
        using FileStream stream = File.Create(Path.Combine(folder, ModelConfig.GenerationFileName));
        using var json = new Utf8JsonWriter(stream, Indented);
        json.WriteStartObject();
        json.WriteStartArray("eos_token_id");
        json.WriteNumberValue(ByteTokenizerFiles.MessageEnd);
        json.WriteNumberValue(ByteTokenizerFiles.EndOfText);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    public static bool HasTokenizer(RandomModelOptions options) => options.VocabularySize >= ByteTokenizerFiles.MinimumVocabulary;

    private static void WriteConfig(string path, RandomModelOptions options, ModelFamily family)
    {
        using FileStream stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, Indented);
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue(family.Architecture);
        json.WriteEndArray();
        json.WriteString("model_type", family.ModelType);
        json.WriteString("hidden_act", "silu");
        json.WriteNumber("hidden_size", options.HiddenSize);
        json.WriteNumber("num_hidden_layers", options.LayerCount);
        json.WriteNumber("num_attention_heads", options.HeadCount);
        json.WriteNumber("num_key_value_heads", options.KvHeadCount);
        json.WriteNumber("head_dim", options.HeadDim);
        json.WriteNumber(family.Router.ExpertCount, options.ExpertCount);
        json.WriteNumber(family.Router.ExpertsPerToken, options.ExpertsPerToken);
        json.WriteNumber(family.Experts.Width, options.ExpertWidth);
        if (family.Router.IsNormalized.Field is { } normalized)
            json.WriteBoolean(normalized, options.IsRouterNormalized);
        json.WriteNumber("vocab_size", options.VocabularySize);
        json.WriteNumber("max_position_embeddings", options.ContextLength);
        json.WriteNumber("rms_norm_eps", 1e-6f);
        json.WriteNumber("rope_theta", options.RopeTheta);
        json.WriteNull("rope_scaling");
        json.WriteNull("sliding_window");
        json.WriteBoolean("tie_word_embeddings", options.HasTiedEmbeddings);
        if (HasTokenizer(options))
            json.WriteNumber("eos_token_id", ByteTokenizerFiles.MessageEnd);
        json.WriteString("torch_dtype", TorchName(options.NumberType));
        json.WriteEndObject();
    }

    private static string TorchName(NumberType type) => type switch
    {
        NumberType.Float32 => "float32",
        NumberType.BFloat16 => "bfloat16",
        NumberType.Float16 => "float16",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };
}
