using MegaInfer.Rl.Tests.Oracle.Tiny;
using Xunit;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>The tiny models behave like real ones where it matters: attention has preferences, routing is decided, and rounding changes little.</summary>
public sealed class ConditioningTests(OracleCases cases)
{
    [Theory]
    [MemberData(nameof(FamilyAgreementTests.Variants), MemberType = typeof(FamilyAgreementTests))]
    public void Trace_Variant_SpreadsAttentionAndDecidesRouting(string variant)
    {
        OracleCase made = cases[variant];
        Assert.All(made.Trace.ScoreDeviations, deviation => Assert.InRange(deviation, 2, 4));
        Assert.All(made.Trace.Margins, margin => Assert.True(margin >= OracleCases.ClearMargin, $"a margin of {margin}"));
        Assert.InRange(made.Deviation, 0.5, 3);
    }

    [Theory]
    [MemberData(nameof(FamilyAgreementTests.Variants), MemberType = typeof(FamilyAgreementTests))]
    public void Logits_KvInBFloat16_StayWithinItsTolerance(string variant)
    {
        OracleCase made = cases[variant];
        using var rounding = new TorchOracle(made.Folder, new HashSet<string>(), roundsKv: true);
        Assert.InRange(made.DistanceTo(rounding.Logits(made.Tokens)), 1e-4, FamilyAgreementTests.LargestDifferenceInBFloat16 / 1.5);
    }

    [Fact]
    public void Write_SameSeed_WritesTheSameBytes()
    {
        string folder = Directory.CreateTempSubdirectory("megainfer-oracle-").FullName;
        try
        {
            TinyModels.Write("qwen3_moe", folder, 5);
            string file = Path.Combine(folder, "model-00002-of-00003.safetensors");
            byte[] first = File.ReadAllBytes(file);
            TinyModels.Write("qwen3_moe", folder, 5);
            Assert.Equal(first, File.ReadAllBytes(file));
            TinyModels.Write("qwen3_moe", folder, 6);
            Assert.NotEqual(first, File.ReadAllBytes(file));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
