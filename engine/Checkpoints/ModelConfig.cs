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
            throw MissingBlocks.Of(config, modelType);
        UnsupportedVariants.RefuseOtherArchitecture(config, family);
        ModelSpec spec = ParseFields(config, family);
        UnsupportedVariants.Refuse(config, family);
        return spec;
    }

    private static ModelSpec ParseFields(ConfigReader config, ModelFamily family)
    {
        ConfigFields fields = family.Fields;
        if (config.Find(fields.Activation) is { } activation && !(activation.ValueKind == JsonValueKind.String && activation.GetString() is "silu" or "swish"))
            throw config.Unsupported(fields.Activation, "\"silu\"");
        int vocabulary = config.Integer("vocab_size", 1, ConfigLimits.Vocabulary);
        int hidden = config.Integer(fields.HiddenSize, 1, ConfigLimits.Width);
        int stated = config.Integer(fields.ContextLength, 1, ConfigLimits.Context, fields.DefaultContextLength);
        RopeSpec rope = RopeConfig.Parse(config, family, AttentionConfig.RopeWidth(config, family.Attention, hidden), stated);
        int context = rope.Yarn is { } yarn ? LongerContext(stated, yarn) : stated;
        IReadOnlyList<LayerSpec> layers = LayerConfig.Parse(config, family, context);
        var spec = new ModelSpec
        {
            Family = family.ModelType,
            HiddenSize = hidden,
            Layers = layers,
            VocabularySize = vocabulary,
            ContextLength = context,
            Norm = fields.Norm,
            NormEpsilon = fields.NormEpsilon is null ? fields.DefaultNormEpsilon : config.Positive(fields.NormEpsilon, fields.DefaultNormEpsilon),
            HasTiedEmbeddings = config.Boolean("tie_word_embeddings", false),
            Attention = AttentionConfig.Parse(config, family.Attention, hidden, RopeConfig.LatentScaleFactor(config, family)),
            Rope = rope,
            Router = RouterConfig.Parse(config, family.Router),
            Experts = ExpertConfig.Parse(config, family.Experts),
            SharedExpert = ExpertConfig.ParseShared(config, family.Experts),
            DenseWidth = layers.Any(layer => layer.IsDense) ? config.Integer(family.Layers.DenseWidth, 1, ConfigLimits.Width) : 0,
            EosTokenIds = [.. config.TokenIds("eos_token_id", vocabulary).Distinct().Order()],
            BosTokenId = config.TokenIds("bos_token_id", vocabulary).Cast<int?>().FirstOrDefault(),
            Weights = WeightConfig.Parse(config, family),
        };
        ExpertConfig.RefuseMisfits(config, family, spec);
        return spec;
    }

    // A folder is stretched by adding YaRN to its config, often without touching the context length: the factor says how far.
    private static int LongerContext(int stated, YarnSpec yarn) => (int)Math.Clamp((long)((double)yarn.OriginalContext * yarn.Factor), stated, ConfigLimits.Context);
}
