using System.Text.Json;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Reads a config's router.</summary>
internal static class RouterConfig
{
    public static RouterSpec Parse(ConfigReader config, RouterFields fields)
    {
        int experts = config.Integer(fields.ExpertCount, 1, ConfigLimits.Experts);
        int perToken = config.Integer(fields.ExpertsPerToken, 1, Math.Min(experts, ConfigLimits.ExpertsPerToken));
        RefuseOtherScore(config, fields.Score);
        (int groups, int topGroups) = ParseGroups(config, fields, experts, perToken);
        bool isNormalized = config.Boolean(fields.IsNormalized);
        float scaling = fields.Scaling is null ? 1f : config.Positive(fields.Scaling, fields.DefaultScaling);
        return new RouterSpec(experts, perToken, isNormalized)
        {
            Score = fields.Score,
            HasBias = fields.HasBias,
            HasCorrection = fields.HasCorrection,
            Groups = groups,
            TopGroups = topGroups,
            GroupScore = fields.GroupScore,
            Scaling = isNormalized && fields.ScalesOnlyUnnormalized ? 1f : scaling,
        };
    }

    private static void RefuseOtherScore(ConfigReader config, RouterScore score)
    {
        string expected = score == RouterScore.Sigmoid ? "sigmoid" : "softmax";
        if (config.Find("scoring_func") is { } value && !(value.ValueKind == JsonValueKind.String && value.ValueEquals(expected)))
            throw config.Unsupported("scoring_func", $"\"{expected}\"");
    }

    private static (int Groups, int TopGroups) ParseGroups(ConfigReader config, RouterFields fields, int experts, int perToken)
    {
        bool isGrouped = IsGrouped(config, fields);
        if (fields.Groups is null)
            return (1, 1);
        int groups = config.Integer(fields.Groups, 1, experts, Math.Min(fields.DefaultGroups.Groups, experts));
        int topGroups = config.Integer(fields.TopGroups, 1, groups, Math.Min(fields.DefaultGroups.TopGroups, groups));
        if (!isGrouped || topGroups == groups)
            return (1, 1);
        int least = fields.GroupScore == GroupScore.TopTwo ? 2 : 1;
        if (experts % groups != 0 || experts / groups < least)
            throw config.Wrong(fields.Groups, $"a divisor of {fields.ExpertCount} ({experts}) that leaves at least {least} experts in a group");
        if (topGroups * (experts / groups) < perToken)
            throw config.Wrong(fields.TopGroups, $"enough groups of {experts / groups} to choose {perToken} experts from");
        return (groups, topGroups);
    }

    private static bool IsGrouped(ConfigReader config, RouterFields fields)
    {
        if (fields.Methods.Count == 0)
            return true;
        string method = config.Find("topk_method") is null ? fields.Methods[0].Name : config.String("topk_method");
        foreach ((string name, bool isGrouped) in fields.Methods)
        {
            if (name == method)
                return isGrouped;
        }

        throw config.Unsupported("topk_method", string.Join(", ", fields.Methods.Select(known => $"\"{known.Name}\"")));
    }
}
