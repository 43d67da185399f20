namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>Which features an oracle leaves out, and which ones its model turned out to have.</summary>
internal sealed class OracleFeatures
{
    private readonly IReadOnlySet<string> _knockedOut;
    private readonly HashSet<string> _met = [];

    /// <exception cref="ArgumentException">A name that is not a feature's.</exception>
    public OracleFeatures(IReadOnlySet<string> knockedOut)
    {
        if (knockedOut.Except(OracleFeature.All).FirstOrDefault() is { } unknown)
            throw new ArgumentException($"There is no feature {unknown}.", nameof(knockedOut));
        _knockedOut = knockedOut;
    }

    /// <summary>The features that were asked for so far.</summary>
    public IReadOnlySet<string> Met => _met;

    /// <summary>Asked only where the model has the feature: whether to apply it.</summary>
    public bool Keeps(string feature)
    {
        _met.Add(feature);
        return !_knockedOut.Contains(feature);
    }
}
