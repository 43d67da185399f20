using MegaInfer.Rl.Tests.Oracle.Tiny;
using Xunit;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>
/// The tiny models are worth comparing with: whatever one of their features is worth, an implementation that lacks it is far outside the tolerance.
/// </summary>
public sealed class KnockOutTests(OracleCases cases)
{
    private const double SmallestEffect = 10 * FamilyAgreementTests.LargestDifference;

    /// <summary>Each variant with each of its features.</summary>
    public static TheoryData<string, string> Features()
    {
        var data = new TheoryData<string, string>();
        foreach (string variant in TinyModels.All)
        {
            foreach (string feature in ExpectedFeatures.Of(variant).Order())
                data.Add(variant, feature);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Features))]
    public void Logits_FeatureKnockedOut_AreFarOutsideTheTolerance(string variant, string feature)
    {
        OracleCase original = cases[variant];
        using var oracle = new TorchOracle(original.Folder, new HashSet<string> { feature });
        double distance = original.DistanceTo(oracle.Logits(original.Tokens));
        Assert.True(distance >= SmallestEffect, $"{variant} without {feature}: {distance:E2} deviations");
    }

    [Theory]
    [MemberData(nameof(FamilyAgreementTests.Variants), MemberType = typeof(FamilyAgreementTests))]
    public void Features_Variant_AreTheExpectedOnes(string variant) => Assert.Equal(ExpectedFeatures.Of(variant).Order(), cases[variant].Features.Order());

    [Fact]
    public void Constructor_UnknownFeature_Refuses() =>
        Assert.Throws<ArgumentException>(() => new TorchOracle(cases["mixtral"].Folder, new HashSet<string> { "hadn't" }));
}
