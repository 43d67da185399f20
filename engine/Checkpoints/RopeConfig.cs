using System.Text.Json;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Reads rotary positions in either spelling: rope_theta and rope_scaling, or the newer rope_parameters that holds both.</summary>
internal static class RopeConfig
{
    private const string Scaling = "rope_scaling";
    private const string Parameters = "rope_parameters";
    private const string Share = "partial_rotary_factor";

    /// <summary>What scaling objects may hold beside their type; for plain rope only the first three.</summary>
    private static readonly string[] Known =
    [
        "rope_theta", Share, "factor", "original_max_position_embeddings", "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate",
    ];

    private const int KnownToPlain = 3;

    /// <param name="config">The config.</param>
    /// <param name="family">How the family says it.</param>
    /// <param name="width">Components of a head that may rotate.</param>
    /// <param name="contextLength">Positions, as the config states them.</param>
    public static RopeSpec Parse(ConfigReader config, ModelFamily family, int width, int contextLength)
    {
        string block = FindBlock(config, family.Rope);
        string type = TypeOf(config, block);
        RefuseUnknown(config, block, type);
        float theta = config.Positive($"{block}.rope_theta", config.Positive(family.Rope.Theta, family.Rope.DefaultTheta));
        var rope = new RopeSpec(theta, RotaryDim(config, family, block, width)) { IsAdjacent = config.Boolean(family.Rope.IsAdjacent) };
        return type switch
        {
            "linear" => rope with { LinearFactor = Factor(config, block) },
            "yarn" => rope with { Yarn = ParseYarn(config, block, family, contextLength) },
            _ when config.Positive($"{block}.factor", 1f) != 1f => throw config.Unsupported($"{block}.factor", "1 for plain rope"),
            _ => rope,
        };
    }

    /// <summary>What YaRN multiplies the scores of latent attention with: mscale(factor, mscale_all_dim) squared (DeepSeek-V2's code).</summary>
    public static float LatentScaleFactor(ConfigReader config, ModelFamily family)
    {
        string block = FindBlock(config, family.Rope);
        if (family.Attention is not LatentFields || TypeOf(config, block) != "yarn" || Optional(config, $"{block}.mscale_all_dim") is not { } allDim)
            return 1f;
        double scale = Magnitude(Factor(config, block), allDim);
        return (float)(scale * scale);
    }

    private static string FindBlock(ConfigReader config, RopeFields fields)
    {
        string block = config.Find(Parameters) is null ? Scaling : Parameters;
        if (block == Parameters && config.Find(Scaling) is not null && TypeOf(config, Scaling) != "default")
            throw config.Unsupported(Scaling, $"null where \"{Parameters}\" is given");
        JsonElement? value = config.Find(block);
        if (value is null ? fields.MustBeStated : value.Value.ValueKind != JsonValueKind.Object)
            throw config.Wrong(block, fields.MustBeStated ? "an object" : "an object or null");
        return block;
    }

    private static string TypeOf(ConfigReader config, string block)
    {
        string field = config.Find(block) is { ValueKind: JsonValueKind.Object } && config.Find($"{block}.rope_type") is null ? $"{block}.type" : $"{block}.rope_type";
        string type = config.Find(field) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : config.Find(field) is null ? "default" : "";
        return type is "default" or "linear" or "yarn" ? type : throw config.Unsupported(block, "none, or rope_type \"default\", \"linear\" or \"yarn\"");
    }

    /// <summary>Frequencies by layer type, sections for pictures and whatever comes next change every logit.</summary>
    private static void RefuseUnknown(ConfigReader config, string block, string type)
    {
        if (config.Find(block) is not { } value)
            return;
        ReadOnlySpan<string> known = type == "yarn" ? Known : Known.AsSpan(0, KnownToPlain);
        foreach (JsonProperty property in value.EnumerateObject())
        {
            bool isKnown = property.Name is "rope_type" or "type" || property.Value.ValueKind == JsonValueKind.Null || known.Contains(property.Name);
            if (!isKnown)
                throw config.Unsupported(block, $"{string.Join(", ", known.ToArray())} for rope_type \"{type}\"");
        }
    }

    private static int RotaryDim(ConfigReader config, ModelFamily family, string block, int width)
    {
        float share = config.Positive($"{block}.{Share}", config.Positive(Share, family.Rope.DefaultShare));
        if (share > 1 || (share != 1 && family.Attention is LatentFields))
            throw config.Wrong(Share, family.Attention is LatentFields ? "1: latent attention has a part of its own that rotates" : "a number above 0 and at most 1");
        int rotaryDim = (int)(width * share);
        if (family.Rope.RotaryDim is { } field && config.Find(field) is not null)
            rotaryDim = config.Integer(field, 2, width);
        return rotaryDim >= 2 && rotaryDim % 2 == 0
            ? rotaryDim
            : throw config.Wrong(WidthField(family), $"such that an even number of a head's {width} components rotate, not {rotaryDim}");
    }

    private static string WidthField(ModelFamily family) =>
        family.Rope.RotaryDim ?? (family.Attention is LatentFields latent ? latent.RopeDim : ((GroupedFields)family.Attention).HeadDim);

    private static YarnSpec ParseYarn(ConfigReader config, string block, ModelFamily family, int contextLength)
    {
        float factor = Factor(config, block);
        int original = config.Integer($"{block}.original_max_position_embeddings", 1, ConfigLimits.Context, contextLength);
        float fast = config.Positive($"{block}.beta_fast", 32f);
        float slow = config.Positive($"{block}.beta_slow", 1f);
        bool isTruncated = config.Boolean($"{block}.truncate", true);
        return new YarnSpec(factor, original, fast, slow, isTruncated, AttentionFactor(config, block, family, factor));
    }

    // The hub's code asks for both mscales; DeepSeek's own takes 1 and 0 for absent ones, which agrees where both are absent or both are there.
    private static float AttentionFactor(ConfigReader config, string block, ModelFamily family, float factor)
    {
        float? stated = Optional(config, $"{block}.attention_factor");
        float? scale = Optional(config, $"{block}.mscale");
        float? allDim = Optional(config, $"{block}.mscale_all_dim");
        if (stated is not null)
            return stated.Value;
        if (family.Attention is LatentFields || (scale is not null && allDim is not null))
            return (float)(Magnitude(factor, scale ?? 1f) / Magnitude(factor, allDim ?? 0f));
        return (float)Magnitude(factor, 1f);
    }

    private static double Magnitude(double factor, double scale) => factor <= 1 ? 1 : (0.1 * scale * Math.Log(factor)) + 1;

    private static float Factor(ConfigReader config, string block)
    {
        float factor = config.Positive($"{block}.factor", 0f);
        return factor > 0 ? factor : throw config.Wrong($"{block}.factor", "a number above 0");
    }

    /// <summary>A number above 0; null where it is absent, null or 0, which the hub's code takes for the same.</summary>
    private static float? Optional(ConfigReader config, string field)
    {
        if (config.Find(field) is not { } value || (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number == 0))
            return null;
        return ConfigReader.PositiveOf(value) ?? throw config.Wrong(field, "a number of at least 0");
    }
}
