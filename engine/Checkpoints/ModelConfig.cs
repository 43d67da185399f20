using System.Text.Json;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// Reads config.json and generation_config.json into a <see cref="ModelSpec"/>. A variant that changes what is computed is honoured or refused by name.
/// </summary>
public static class ModelConfig
{
    public const string FileName = "config.json";
    public const string GenerationFileName = "generation_config.json";

    // Bounds keep every product of two sizes inside 32 bits, whatever the file says; heads and experts are bounded as the kernels bound them.
    private const int MaximumWidth = 1 << 20;
    private const int MaximumHeads = 4096;
    private const int MaximumHeadDim = 1024;
    private const int MaximumLayers = 4096;
    private const int MaximumExperts = 4096;
    private const int MaximumExpertsPerToken = 64;
    private const int MaximumVocabulary = 1 << 24;
    private const int MaximumContext = 1 << 26;

    /// <summary>Reads the configuration of a model folder. The weights need not be there.</summary>
    /// <exception cref="CheckpointException">Missing folder or file, an unknown family, a wrong value, an unsupported variant.</exception>
    public static ModelSpec Read(string folder)
    {
        if (string.IsNullOrWhiteSpace(folder))
            throw new CheckpointException("No model folder was given; give --model a Hugging Face folder.");
        if (!Directory.Exists(folder))
            throw new CheckpointException($"The model folder {folder} does not exist; give --model a Hugging Face folder.");
        string path = Path.Combine(folder, FileName);
        using JsonDocument document = JsonFile.ReadObject(path);
        ModelSpec spec = Parse(new ConfigReader(path, document.RootElement));
        string generationPath = Path.Combine(folder, GenerationFileName);
        if (!File.Exists(generationPath))
            return spec;
        using JsonDocument generation = JsonFile.ReadObject(generationPath);
        var reader = new ConfigReader(generationPath, generation.RootElement);
        IEnumerable<int> more = Guard(reader, () => reader.TokenIds("eos_token_id", spec.VocabularySize));
        return spec with { EosTokenIds = [.. spec.EosTokenIds.Concat(more).Distinct().Order()] };
    }

    internal static ModelSpec Parse(ConfigReader config) => Guard(config, () => ParseFields(config));

    private static T Guard<T>(ConfigReader config, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException exception)
        {
            // What the JSON reader throws for escapes that are no character, wherever such a text is looked at.
            throw new CheckpointException($"{config.Path} holds text that is not valid Unicode.", exception);
        }
    }

    private static ModelSpec ParseFields(ConfigReader config)
    {
        string modelType = config.String("model_type");
        if (!ModelFamilies.TryFind(modelType, out ModelFamily? family))
            throw config.Unsupported("model_type", ModelFamilies.Names);
        UnsupportedVariants.Refuse(config, family);

        int vocabulary = config.Integer("vocab_size", 1, MaximumVocabulary);
        int hidden = config.Integer("hidden_size", 1, MaximumWidth);
        int context = config.Integer("max_position_embeddings", 1, MaximumContext, family.Fields.DefaultContextLength);
        GroupedAttentionSpec attention = ParseAttention(config, family, hidden);
        UnsupportedVariants.RefuseSlidingWindow(config, family, context);
        return new ModelSpec
        {
            Family = family.ModelType,
            HiddenSize = hidden,
            Layers = LayerSpec.Alike(config.Integer("num_hidden_layers", 1, MaximumLayers)),
            VocabularySize = vocabulary,
            ContextLength = context,
            NormEpsilon = config.Positive("rms_norm_eps", family.Fields.DefaultNormEpsilon),
            HasTiedEmbeddings = config.Boolean("tie_word_embeddings", false),
            Attention = attention,
            Rope = RopeConfig.Parse(config, family, attention.HeadDim),
            Router = ParseRouter(config, family),
            Experts = new ExpertSpec(config.Integer(family.Fields.ExpertWidth, 1, MaximumWidth)),
            EosTokenIds = [.. config.TokenIds("eos_token_id", vocabulary).Distinct().Order()],
            BosTokenId = config.TokenIds("bos_token_id", vocabulary).Cast<int?>().FirstOrDefault(),
        };
    }

    private static GroupedAttentionSpec ParseAttention(ConfigReader config, ModelFamily family, int hidden)
    {
        int heads = config.Integer("num_attention_heads", 1, MaximumHeads);
        int kvHeads = config.Integer("num_key_value_heads", 1, heads);
        if (heads % kvHeads != 0)
            throw config.Wrong("num_key_value_heads", $"a divisor of num_attention_heads ({heads})");
        int headDim = config.Integer("head_dim", 1, MaximumHeadDim, hidden / heads);
        if (headDim == 0 || (config.Find("head_dim") is null && hidden % heads != 0))
            throw config.Wrong("num_attention_heads", $"a divisor of hidden_size ({hidden})");
        return new GroupedAttentionSpec(heads, kvHeads, headDim) { HeadNorm = family.HasHeadNorm ? HeadNorm.PerHead : HeadNorm.None };
    }

    private static RouterSpec ParseRouter(ConfigReader config, ModelFamily family)
    {
        ConfigFields fields = family.Fields;
        int experts = config.Integer(fields.ExpertCount, 1, MaximumExperts);
        int perToken = config.Integer(fields.ExpertsPerToken, 1, Math.Min(experts, MaximumExpertsPerToken));
        bool isNormalized = fields.RouterNormalized is null || config.Boolean(fields.RouterNormalized, false);
        return new RouterSpec(experts, perToken, isNormalized);
    }
}
