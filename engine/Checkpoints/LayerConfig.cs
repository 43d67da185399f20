using System.Text.Json;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>Reads what a config says of each layer: whether it has experts, and its window.</summary>
internal static class LayerConfig
{
    private const string LayerTypes = "layer_types";

    public static IReadOnlyList<LayerSpec> Parse(ConfigReader config, ModelFamily family, int contextLength)
    {
        int count = config.Integer(family.Fields.LayerCount, 1, ConfigLimits.Layers);
        bool[] isDense = Dense(config, family.Layers, count);
        if (isDense.All(dense => dense))
            throw config.Wrong(family.Fields.LayerCount, "more layers than are dense: a model without experts is not served");
        int[] windows = Windows(config, family.Layers.Window, count, contextLength);
        return [.. isDense.Zip(windows, (dense, window) => new LayerSpec(dense, window))];
    }

    private static bool[] Dense(ConfigReader config, LayerFields fields, int count)
    {
        int first = fields.FirstDense is null ? 0 : config.Integer(fields.FirstDense, 0, ConfigLimits.Layers, fields.DefaultFirstDense);
        int frequency = fields.ExpertFrequency is null ? 1 : config.Integer(fields.ExpertFrequency, 1, ConfigLimits.Layers, 1);
        IReadOnlyList<int> listed = [];
        int step = 1;
        if (fields.DenseList is var (list, stepField))
        {
            listed = config.Integers(list, 0, ConfigLimits.Layers, "a list of layer numbers");
            step = config.Integer(stepField, 1, ConfigLimits.Layers, 1);
        }

        return [.. Enumerable.Range(0, count).Select(layer =>
            layer < first || layer % frequency != 0 || (layer + 1) % step != 0 || listed.Contains(layer))];
    }

    private static int[] Windows(ConfigReader config, WindowFields? fields, int count, int contextLength)
    {
        if (fields is null)
            return new int[count];
        bool[]? listed = fields.HasLayerTypes ? Listed(config, count) : null;
        bool isStated = config.Find(fields.Window) is not null;
        bool mustBeStated = fields.IsUsed.Field is not null || fields.Layers != WindowedLayers.All;
        if (!config.Boolean(fields.IsUsed) || (!isStated && !mustBeStated))
            return new int[count];
        bool[] isWindowed = listed ?? Windowed(config, fields.Layers, count);
        if (!isWindowed.Contains(true))
            return new int[count];
        int window = config.Integer(fields.Window, 1, int.MaxValue);
        if (window >= contextLength)
            window = 0; // no sequence can outgrow it
        return [.. isWindowed.Select(windowed => windowed ? window : 0)];
    }

    private static bool[] Windowed(ConfigReader config, WindowedLayers layers, int count)
    {
        int below = layers == WindowedLayers.EvenBelowMaximum ? config.Integer("max_window_layers", 0, ConfigLimits.Layers, 28) : count;
        return [.. Enumerable.Range(0, count).Select(layer => layers == WindowedLayers.All || (layer % 2 == 0 && layer < below))];
    }

    private static bool[]? Listed(ConfigReader config, int count)
    {
        if (config.Find(LayerTypes) is not { } types)
            return null;
        string expected = $"a list of {count} times \"full_attention\" or \"sliding_attention\"";
        if (types.ValueKind != JsonValueKind.Array || types.GetArrayLength() != count)
            throw config.Wrong(LayerTypes, expected);
        return [.. types.EnumerateArray().Select(type => type.ValueKind == JsonValueKind.String ? type.GetString() : null).Select(type => type switch
        {
            "sliding_attention" => true,
            "full_attention" => false,
            _ => throw config.Wrong(LayerTypes, expected),
        })];
    }
}
