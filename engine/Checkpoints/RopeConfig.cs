using System.Text.Json;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Reads rotary positions in either spelling: rope_theta and rope_scaling, or the newer rope_parameters that holds both.</summary>
internal static class RopeConfig
{
    public static RopeSpec Parse(ConfigReader config, ModelFamily family, int headDim)
    {
        RefuseScaling(config, "rope_scaling");
        RefuseScaling(config, "rope_parameters");
        float theta = config.Positive("rope_theta", family.Fields.DefaultRopeTheta);
        float share = config.Positive("partial_rotary_factor", 1f);
        if (config.Find("rope_parameters") is { } parameters)
        {
            theta = Inner(config, parameters, "rope_theta", theta);
            share = Inner(config, parameters, "partial_rotary_factor", share);
        }

        if (share > 1)
            throw config.Wrong("partial_rotary_factor", "a number above 0 and at most 1");
        int rotaryDim = (int)(headDim * share);
        if (rotaryDim == 0 || rotaryDim % 2 != 0)
            throw config.Wrong("head_dim", $"such that an even number of its components rotate, not {rotaryDim}");
        return new RopeSpec(theta, rotaryDim);
    }

    /// <summary>Scaled rotary positions (YaRN, linear, dynamic, ...) change every logit: only the plain kind passes.</summary>
    private static void RefuseScaling(ConfigReader config, string field)
    {
        if (config.Find(field) is not { } scaling)
            return;
        if (scaling.ValueKind != JsonValueKind.Object)
            throw config.Wrong(field, "an object or null");
        foreach (JsonProperty property in scaling.EnumerateObject())
        {
            bool isPlain = property.Name switch
            {
                "rope_type" or "type" => property.Value.ValueKind == JsonValueKind.Null || property.Value.ValueEquals("default"),
                "rope_theta" or "partial_rotary_factor" => true,
                "factor" => property.Value.ValueKind == JsonValueKind.Number && property.Value.TryGetDouble(out double factor) && factor == 1,
                _ => property.Value.ValueKind == JsonValueKind.Null,
            };
            if (!isPlain)
                throw config.Unsupported(field, "none (rope_type \"default\")");
        }
    }

    private static float Inner(ConfigReader config, JsonElement parameters, string field, float fallback)
    {
        if (!parameters.TryGetProperty(field, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            return fallback;
        return ConfigReader.PositiveOf(value) ?? throw config.Wrong("rope_parameters", $"an object whose {field} is a number above 0");
    }
}
