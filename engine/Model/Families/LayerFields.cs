namespace MegaInfer.Engine.Model.Families;

/// <summary>How a family's config.json says what differs between layers: which have experts, and which attend through a window.</summary>
public sealed record LayerFields
{
    /// <summary>Dense layers come first, so many; null where the family cannot say so.</summary>
    public string? FirstDense { get; init; }

    public int DefaultFirstDense { get; init; }

    /// <summary>After those, every so-manieth layer by its number has experts; null where all have.</summary>
    public string? ExpertFrequency { get; init; }

    /// <summary>A list of dense layers and a step: layers whose number plus one is no multiple of the step are dense. Null where the family has no such lists.</summary>
    public (string List, string Step)? DenseList { get; init; }

    /// <summary>Width of a dense layer's FFN.</summary>
    public string DenseWidth { get; init; } = "intermediate_size";

    /// <summary>Null where the family has no window.</summary>
    public WindowFields? Window { get; init; }
}

/// <summary>How a family's config.json states its sliding window.</summary>
public sealed record WindowFields
{
    public string Window { get; init; } = "sliding_window";

    /// <summary>Whether the window counts.</summary>
    public Switch IsUsed { get; init; } = Switch.Always;

    /// <summary>Which layers have it where the config does not list them.</summary>
    public WindowedLayers Layers { get; init; }

    /// <summary>The config may list them in <c>layer_types</c>.</summary>
    public bool HasLayerTypes { get; init; }
}

/// <summary>Which layers attend through a window.</summary>
public enum WindowedLayers
{
    All = 0,

    /// <summary>0, 2, 4, ...</summary>
    Even = 1,

    /// <summary>The even ones below <c>max_window_layers</c>.</summary>
    EvenBelowMaximum = 2,
}
