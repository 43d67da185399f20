using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Reads a config's attention.</summary>
internal static class AttentionConfig
{
    /// <param name="config">The config.</param>
    /// <param name="fields">How the family says it.</param>
    /// <param name="hidden">Width of a row.</param>
    /// <param name="scaleFactor">What rope scaling does to the scores of latent attention.</param>
    public static AttentionSpec Parse(ConfigReader config, AttentionFields fields, int hidden, float scaleFactor) => fields switch
    {
        GroupedFields grouped => ParseGrouped(config, grouped, hidden),
        LatentFields latent => ParseLatent(config, latent, scaleFactor),
        _ => throw new ArgumentOutOfRangeException(nameof(fields)),
    };

    /// <summary>Components of a head that rope may turn.</summary>
    public static int RopeWidth(ConfigReader config, AttentionFields fields, int hidden) => fields switch
    {
        GroupedFields grouped => HeadDim(config, grouped, hidden),
        LatentFields latent => config.Integer(latent.RopeDim, 2, ConfigLimits.HeadDim),
        _ => throw new ArgumentOutOfRangeException(nameof(fields)),
    };

    private static GroupedAttentionSpec ParseGrouped(ConfigReader config, GroupedFields fields, int hidden)
    {
        int heads = config.Integer(fields.HeadCount, 1, ConfigLimits.Heads);
        int kvHeads = config.Integer(fields.KvHeadCount, 1, heads, heads);
        if (heads % kvHeads != 0)
            throw config.Wrong(fields.KvHeadCount, $"a divisor of {fields.HeadCount} ({heads})");
        return new GroupedAttentionSpec(heads, kvHeads, HeadDim(config, fields, hidden))
        {
            HeadNorm = config.Boolean(fields.IsHeadNormed) ? fields.HeadNorm : HeadNorm.None,
            HasQkvBias = config.Boolean(fields.QkvBias),
            HasOutputBias = config.Boolean(fields.OutputBias),
            HasSinks = fields.HasSinks,
            ClipQkv = fields.ClipQkv is null ? 0 : config.Positive(fields.ClipQkv, 0),
        };
    }

    private static int HeadDim(ConfigReader config, GroupedFields fields, int hidden)
    {
        int heads = config.Integer(fields.HeadCount, 1, ConfigLimits.Heads);
        if (config.Find(fields.HeadDim) is not null)
            return config.Integer(fields.HeadDim, 1, ConfigLimits.HeadDim);
        return hidden % heads == 0 && hidden / heads <= ConfigLimits.HeadDim
            ? hidden / heads
            : throw config.Wrong(fields.HeadCount, $"a divisor of the hidden size ({hidden}) that leaves heads of at most {ConfigLimits.HeadDim}");
    }

    private static LatentAttentionSpec ParseLatent(ConfigReader config, LatentFields fields, float scaleFactor)
    {
        int heads = config.Integer(fields.HeadCount, 1, ConfigLimits.Heads);
        int queryRank = config.Find(fields.QueryRank) is null ? 0 : config.Integer(fields.QueryRank, 1, ConfigLimits.Width);
        int kvRank = config.Integer(fields.KvRank, 1, ConfigLimits.Width);
        int nopeDim = config.Integer(fields.NopeDim, 1, ConfigLimits.HeadDim);
        int ropeDim = config.Integer(fields.RopeDim, 2, ConfigLimits.HeadDim);
        int valueDim = config.Integer(fields.ValueHeadDim, 1, ConfigLimits.HeadDim);
        // Every head has keys and values of its own, whatever is cached; the authors' code knows nothing else.
        if (config.Integer("num_key_value_heads", 1, ConfigLimits.Heads, heads) != heads)
            throw config.Unsupported("num_key_value_heads", $"as many as {fields.HeadCount} ({heads})");
        return new LatentAttentionSpec(heads, queryRank, kvRank, nopeDim, ropeDim, valueDim, scaleFactor);
    }
}
