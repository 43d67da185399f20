using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Reads a config's experts, routed and shared.</summary>
internal static class ExpertConfig
{
    /// <summary>No honest model has more parameters, and sums of fewer stay inside 64 bits.</summary>
    private const double MostParameters = 1e17;

    // gpt-oss: constants of its code, fields in newer configs.
    private const float ClampedAlpha = 1.702f;
    private const float ClampedLimit = 7f;

    public static ExpertSpec Parse(ConfigReader config, ExpertFields fields)
    {
        var spec = new ExpertSpec(config.Integer(fields.Width, 1, ConfigLimits.Width)) { Activation = fields.Activation, HasBias = fields.HasBias };
        return fields.Activation != Activation.ClampedSwiglu
            ? spec
            : spec with { Alpha = config.Positive("swiglu_alpha", ClampedAlpha), Limit = config.Positive("swiglu_limit", ClampedLimit) };
    }

    public static SharedExpertSpec? ParseShared(ConfigReader config, ExpertFields fields)
    {
        if (fields.Shared is not { } shared)
            return null;
        int width = shared.Width is not null ? config.Integer(shared.Width, 0, ConfigLimits.Width, 0) : 0;
        if (shared.Count is not null)
        {
            int one = config.Integer(fields.Width, 1, ConfigLimits.Width);
            width = one * config.Integer(shared.Count, 0, ConfigLimits.Width / one, 0);
        }

        return width == 0 ? null : new SharedExpertSpec(width, shared.HasGate);
    }

    /// <summary>Sizes that are legal one by one and impossible together.</summary>
    public static void RefuseMisfits(ConfigReader config, ModelFamily family, ModelSpec spec)
    {
        if ((long)spec.Router.ExpertCount * Math.Max(spec.Experts.Width, spec.HiddenSize) > int.MaxValue)
            throw config.Wrong(family.Experts.Width, $"small enough for a tensor of {spec.Router.ExpertCount} experts");
        if (3.0 * spec.LayerCount * spec.Router.ExpertCount * spec.Experts.Width * spec.HiddenSize > MostParameters)
            throw config.Wrong(family.Experts.Width, $"small enough for {MostParameters:0e0} parameters");
        if (spec.Weights.Quantized != NumberType.MxFloat4)
            return;
        const int block = WeightFormat.MxFloat4Block;
        if (spec.HiddenSize % block != 0)
            throw config.Wrong(family.Fields.HiddenSize, $"a multiple of {block}, the block of 4-bit numbers");
        if (spec.Experts.Width % block != 0)
            throw config.Wrong(family.Experts.Width, $"a multiple of {block}, the block of 4-bit numbers");
    }
}
