using Xunit;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>
/// YaRN's numbers for published configs, worked out by hand: a dimension that makes r rotations in the original length L is
/// dim ln(L / (2 pi r)) / (2 ln theta).
/// </summary>
public sealed class RopeFactsTests
{
    // 128 ln(32768 / 201.06) / (2 ln 1e6) = 23.60, down to 23; 128 ln(32768 / 6.2832) / 27.631 = 39.65, up to 40.
    [Theory]
    [InlineData(0, 1)]
    [InlineData(23, 1)]
    [InlineData(30, 0.691176)] // 7 / 17 of the way to a quarter
    [InlineData(40, 0.25)]
    [InlineData(63, 0.25)]
    public void Frequencies_Qwen3TimesFour_SlowDownFromDimension23To40(int pair, double part) =>
        AssertPart(part, Yarn(factor: 4, length: 32768), theta: 1e6, dim: 128, pair);

    // 64 ln(4096 / 201.06) / (2 ln 1e4) = 10.47, down to 10; 64 ln(4096 / 6.2832) / 18.4207 = 22.51, up to 23.
    [Theory]
    [InlineData(10, 1)]
    [InlineData(16, 0.55)] // 6 / 13 of the way to a fortieth
    [InlineData(23, 0.025)]
    public void Frequencies_DeepseekTimesForty_SlowDownFromDimension10To23(int pair, double part) =>
        AssertPart(part, Yarn(factor: 40, length: 4096), theta: 1e4, dim: 64, pair);

    // 64 ln(4096 / 201.06) / (2 ln 150000) = 8.0928 and 64 ln(4096 / 6.2832) / 23.8368 = 17.3980, both left as they are.
    [Theory]
    [InlineData(8, 1)]
    [InlineData(9, 0.905551)] // 0.9072 / 9.3052 of the way to a thirty-second
    [InlineData(17, 0.072688)] // 8.9072 / 9.3052
    [InlineData(18, 0.03125)]
    public void Frequencies_GptOss_KeepTheBoundsBetweenDimensions(int pair, double part) =>
        AssertPart(part, Yarn(factor: 32, length: 4096) with { Truncates = false }, theta: 150000, dim: 64, pair);

    // 64 ln(4096 / 6.2832) / (2 ln 50000) = 19.16: one dimension, 20, is where the ramp from 19 ends.
    [Theory]
    [InlineData(19, 1)]
    [InlineData(20, 0.03125)]
    public void Frequencies_KimiK2_AreAStep(int pair, double part) =>
        AssertPart(part, Yarn(factor: 32, length: 4096) with { BetaFast = 1 }, theta: 50000, dim: 64, pair);

    [Theory]
    // 0.1 ln 4 + 1, 0.1 ln 32 + 1
    [InlineData("""{"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}""", 1.138629, 1)]
    [InlineData("""{"rope_type": "yarn", "factor": 32.0, "truncate": false}""", 1.346574, 1)]
    // DeepSeek-V3: the mscales cancel, and (0.1 ln 40 + 1)^2 goes to the softmax.
    [InlineData("""{"type": "yarn", "factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0}""", 1, 1.873854)]
    // DeepSeek-V2-Lite: (0.0707 ln 40 + 1)^2
    [InlineData("""{"type": "yarn", "factor": 40, "mscale": 0.707, "mscale_all_dim": 0.707}""", 1, 1.589626)]
    [InlineData("""{"type": "yarn", "factor": 40, "attention_factor": 0.5}""", 0.5, 1)]
    public void Read_PublishedScaling_GivesItsFactors(string scaling, double attentionFactor, double softmaxFactor)
    {
        OracleConfig config = OracleConfig.Parse($$"""{"rope_theta": 10000, "max_position_embeddings": 131072, "rope_scaling": {{scaling}}}""");
        OracleYarn yarn = OracleRopeForm.Read(config, 64).Yarn!;
        Assert.Equal(attentionFactor, yarn.AttentionFactor, 6);
        Assert.Equal(softmaxFactor, yarn.SoftmaxFactor, 6);
    }

    private static OracleYarn Yarn(double factor, double length) => new()
    {
        Factor = factor,
        OriginalLength = length,
        LongLength = factor * length,
        BetaFast = 32,
        BetaSlow = 1,
        Truncates = true,
        AttentionFactor = 1,
        SoftmaxFactor = 1,
    };

    private static void AssertPart(double part, OracleYarn yarn, double theta, int dim, int pair)
    {
        double plain = Math.Pow(theta, -2.0 * pair / dim);
        Assert.Equal(part, yarn.Frequencies(theta, dim)[pair] / plain, 5);
    }
}
