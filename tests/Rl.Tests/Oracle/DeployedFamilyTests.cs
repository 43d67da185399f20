using Xunit;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>Every family through real pools of processes: the oracle's logits, and the same bits whatever the number of expert nodes.</summary>
public sealed class DeployedFamilyTests(OracleCases cases)
{
    public static TheoryData<string> Variants() => FamilyAgreementTests.Variants();

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Logits_OneAndThreeExpertNodes_AreTheOraclesAndTheSameBits(string variant)
    {
        OracleCase made = cases[variant];
        float[,] one = await DeployedLogits.OfAsync(made.Folder, made.Tokens, "--dtype", "fp32", "--kv-dtype", "fp32");
        float[,] three = await DeployedLogits.OfAsync(made.Folder, made.Tokens, "--dtype", "fp32", "--kv-dtype", "fp32", "--expert-nodes", "3", "--micro-batches", "2");
        double distance = made.DistanceTo(one);
        Assert.True(distance <= FamilyAgreementTests.LargestDifference, $"{variant}: {distance:E2} deviations");
        Assert.Equal(Bits(one), Bits(three));
    }

    [Theory(Explicit = true)]
    [MemberData(nameof(Variants))]
    public async Task Logits_KvInBFloat16_AreNearTheOracles(string variant)
    {
        OracleCase made = cases[variant];
        float[,] logits = await DeployedLogits.OfAsync(made.Folder, made.Tokens, "--dtype", "fp32", "--kv-dtype", "bf16");
        double distance = made.DistanceTo(logits);
        Assert.True(distance <= FamilyAgreementTests.LargestDifferenceInBFloat16, $"{variant}: {distance:E2} deviations");
    }

    private static int[] Bits(float[,] logits) => [.. logits.Cast<float>().Select(BitConverter.SingleToInt32Bits)];
}
