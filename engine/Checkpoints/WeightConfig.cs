using System.Globalization;
using System.Text.Json;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Reads how a config says that the weights are stored.</summary>
internal static class WeightConfig
{
    private const string Quantization = "quantization_config";
    private const string Method = Quantization + ".quant_method";
    private const string Exceptions = Quantization + ".modules_to_not_convert";

    private const string AnyLayer = "{layer}";

    private static readonly string[] ExpertModule = ["model", "layers", AnyLayer, "mlp", "experts"];

    public static WeightFormat Parse(ConfigReader config, ModelFamily family)
    {
        var format = new WeightFormat(PlainType(config));
        if (config.Find(Quantization) is null)
            return format;
        string method = config.Find(Method) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : "";
        switch (method)
        {
            case "fp8":
                RefuseOtherFloat8(config);
                return format with { Quantized = NumberType.Float8E4M3 };
            case "mxfp4" when family.Tensors.HasMxFloat4:
                RefuseExpertsExcepted(config);
                return format with { Quantized = NumberType.MxFloat4 };
            default:
                throw config.Unsupported(Quantization, family.Tensors.HasMxFloat4 ? "quant_method \"fp8\" or \"mxfp4\", or none" : "quant_method \"fp8\", or none");
        }
    }

    private static NumberType PlainType(ConfigReader config)
    {
        JsonElement? type = config.Find("torch_dtype") ?? config.Find("dtype");
        return type is { ValueKind: JsonValueKind.String } name
            ? name.GetString() switch { "float32" => NumberType.Float32, "float16" => NumberType.Float16, _ => NumberType.BFloat16 }
            : NumberType.BFloat16;
    }

    private static void RefuseOtherFloat8(ConfigReader config)
    {
        const string blocks = Quantization + ".weight_block_size";
        IReadOnlyList<int> size = config.Integers(blocks, 1, ConfigLimits.Width, "two block sizes");
        if (!size.SequenceEqual([WeightFormat.Float8Block, WeightFormat.Float8Block]))
            throw config.Unsupported(blocks, $"[{WeightFormat.Float8Block}, {WeightFormat.Float8Block}]");
        // Scales of activations that the checkpoint brings along would change the numbers; those taken on the way only approximate them.
        UnsupportedVariants.Refuse(config, new FixedField(Quantization + ".activation_scheme", "\"dynamic\""));
        UnsupportedVariants.Refuse(config, new FixedField(Quantization + ".fmt", "\"e4m3\"", "\"float8_e4m3fn\""));
    }

    // Where a module is excepted, its tensors lie in the plain layout; for experts that would be layer by layer, which nobody ships.
    private static void RefuseExpertsExcepted(ConfigReader config)
    {
        if (config.Find(Exceptions) is not { } exceptions)
            return;
        bool areExperts = exceptions.ValueKind == JsonValueKind.Array && exceptions.EnumerateArray().Any(pattern =>
            pattern.ValueKind != JsonValueKind.String || CoversExperts(pattern.GetString()!.Split('.')));
        if (areExperts || exceptions.ValueKind != JsonValueKind.Array)
            throw config.Unsupported(Exceptions, "modules other than the experts");
    }

    private static bool CoversExperts(string[] pattern) => pattern.Length <= ExpertModule.Length && pattern.Zip(ExpertModule).All(pair =>
        pair.First == "*" || pair.First == pair.Second || (pair.Second == AnyLayer && int.TryParse(pair.First, NumberStyles.None, CultureInfo.InvariantCulture, out _)));
}
