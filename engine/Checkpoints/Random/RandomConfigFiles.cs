using System.Text.Json.Nodes;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints.Random;

/// <summary>Writes config.json and generation_config.json as the hub's own tools would for this shape, by the family's own description.</summary>
internal static class RandomConfigFiles
{
    private const int UsualWindow = 128;

    public static void Write(string folder, RandomModelOptions options, ModelFamily family)
    {
        Config(options, family).Write(Path.Combine(folder, ModelConfig.FileName));
        if (!HasTokenizer(options))
            return;
        var generation = new ConfigDraft();
        generation.Set("eos_token_id", new JsonArray(ByteTokenizerFiles.MessageEnd, ByteTokenizerFiles.EndOfText));
        generation.Write(Path.Combine(folder, ModelConfig.GenerationFileName));
    }

    public static bool HasTokenizer(RandomModelOptions options) => options.VocabularySize >= ByteTokenizerFiles.MinimumVocabulary;

    private static ConfigDraft Config(RandomModelOptions options, ModelFamily family)
    {
        var config = new ConfigDraft();
        config.Set("architectures", new JsonArray(family.Architecture));
        config.Set("model_type", family.ModelType);
        config.Set(family.Fields.Activation, "silu");
        config.Set(family.Fields.HiddenSize, options.HiddenSize);
        config.Set(family.Fields.LayerCount, options.LayerCount);
        SetAttention(config, options, family.Attention);
        SetExperts(config, options, family);
        config.Set("vocab_size", options.VocabularySize);
        config.Set(family.Fields.ContextLength, options.ContextLength);
        config.SetIfNamed(family.Fields.NormEpsilon, 1e-6f);
        config.Set(family.Rope.Theta, options.RopeTheta);
        config.Set("rope_scaling", family.Rope.MustBeStated ? new JsonObject { ["rope_type"] = "default" } : null);
        config.SetIfNamed(family.Rope.RotaryDim, options.HeadDim / 2);
        SetLayers(config, options, family.Layers);
        config.Set("tie_word_embeddings", options.HasTiedEmbeddings);
        if (HasTokenizer(options))
            config.Set("eos_token_id", ByteTokenizerFiles.MessageEnd);
        config.Set("torch_dtype", TorchName(options.NumberType));
        SetQuantization(config, options.Quantized);
        return config;
    }

    private static void SetAttention(ConfigDraft config, RandomModelOptions options, AttentionFields attention)
    {
        if (attention is LatentFields latent)
        {
            config.Set(latent.HeadCount, options.HeadCount);
            config.Set(latent.QueryRank, options.Latent.QueryRank == 0 ? null : options.Latent.QueryRank);
            config.Set(latent.KvRank, options.Latent.KvRank);
            config.Set(latent.NopeDim, options.Latent.NopeDim);
            config.Set(latent.RopeDim, options.Latent.RopeDim);
            config.Set(latent.ValueHeadDim, options.Latent.ValueHeadDim);
            return;
        }

        var grouped = (GroupedFields)attention;
        config.Set(grouped.HeadCount, options.HeadCount);
        config.Set(grouped.KvHeadCount, options.KvHeadCount);
        config.Set(grouped.HeadDim, options.HeadDim);
        config.SetIfNamed(grouped.IsHeadNormed.Field, true);
    }

    private static void SetExperts(ConfigDraft config, RandomModelOptions options, ModelFamily family)
    {
        RouterFields router = family.Router;
        config.Set(router.ExpertCount, options.ExpertCount);
        config.Set(router.ExpertsPerToken, options.ExpertsPerToken);
        config.Set(family.Experts.Width, options.ExpertWidth);
        config.SetIfNamed(router.IsNormalized.Field, options.IsRouterNormalized);
        config.SetIfNamed(router.Scaling, 1f);
        if (router.Groups is not null)
        {
            config.Set(router.Groups, options.Groups);
            config.Set(router.TopGroups, (options.Groups + 1) / 2);
        }

        if (router.Methods.Count > 0)
            config.Set("topk_method", router.Methods.FirstOrDefault(method => method.IsGrouped == options.Groups > 1, router.Methods[0]).Name);
        config.SetIfNamed(family.Experts.Shared?.Count, options.SharedExperts);
        config.SetIfNamed(family.Experts.Shared?.Width, options.SharedExperts * options.ExpertWidth);
    }

    private static void SetLayers(ConfigDraft config, RandomModelOptions options, LayerFields layers)
    {
        if (layers.Window is { } window)
        {
            int positions = options.Window == 0 && window.Layers == WindowedLayers.Even ? UsualWindow : options.Window;
            config.Set(window.Window, positions == 0 ? null : positions);
            if (options.Window > 0)
                config.SetIfNamed(window.IsUsed.Field, true);
        }

        config.SetIfNamed(layers.FirstDense, options.DenseLayers);
        if (options.DenseLayers == 0 || (layers.FirstDense is null && layers.DenseList is null))
            return;
        config.Set(layers.DenseWidth, options.DenseWidth);
        config.SetIfNamed(layers.DenseList?.List, new JsonArray([.. Enumerable.Range(0, options.DenseLayers).Select(layer => (JsonNode)layer)]));
    }

    private static void SetQuantization(ConfigDraft config, NumberType? quantized)
    {
        switch (quantized)
        {
            case NumberType.Float8E4M3:
                config.Set("quantization_config.quant_method", "fp8");
                config.Set("quantization_config.activation_scheme", "dynamic");
                config.Set("quantization_config.weight_block_size", new JsonArray(WeightFormat.Float8Block, WeightFormat.Float8Block));
                break;
            case NumberType.MxFloat4:
                config.Set("quantization_config.quant_method", "mxfp4");
                config.Set("quantization_config.modules_to_not_convert", new JsonArray("model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"));
                break;
        }
    }

    private static string TorchName(NumberType type) => type switch
    {
        NumberType.Float32 => "float32",
        NumberType.BFloat16 => "bfloat16",
        NumberType.Float16 => "float16",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };
}
