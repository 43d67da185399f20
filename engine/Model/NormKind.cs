namespace MegaInfer.Engine.Model;

/// <summary>How a row is normalised; both have a weight and no bias.</summary>
public enum NormKind
{
    /// <summary>Divided by its root mean square.</summary>
    Rms = 0,

    /// <summary>Less its mean, then divided by its standard deviation.</summary>
    Layer = 1,
}
