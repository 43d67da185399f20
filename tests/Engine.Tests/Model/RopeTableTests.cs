using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Model;

public sealed class RopeTableTests
{
    private static readonly YarnSpec DeepSeek = new(40f, 4096, 32f, 1f, true, 1f);
    private static readonly YarnSpec GptOss = new(32f, 4096, 32f, 1f, false, 1.3465736f);

    [Fact]
    public void Build_Plain_IsTheDefinition()
    {
        float[] table = RopeTable.Build(new RopeSpec(10_000f, 8), 50);

        for (int i = 0; i < 4; i++)
        {
            double angle = 49 * Math.Pow(10_000, -2.0 * i / 8);
            Assert.Equal(Math.Cos(angle), table[(49 * 8) + i], 1e-5);
            Assert.Equal(Math.Sin(angle), table[(49 * 8) + 4 + i], 1e-5);
        }
    }

    [Fact]
    public void InverseFrequencies_Linear_AreDividedByTheFactor()
    {
        float[] plain = RopeTable.InverseFrequencies(new RopeSpec(10_000f, 64));
        float[] scaled = RopeTable.InverseFrequencies(new RopeSpec(10_000f, 64) { LinearFactor = 4f });

        Assert.Equal(plain.Select(frequency => frequency / 4f), scaled);
    }

    /// <summary>By hand: with theta 10000 and 64 components, pair 64 ln(4096 / (32 x 2 pi)) / (2 ln 10000) = 10.5 turns 32 times, pair 22.5 once.</summary>
    [Fact]
    public void InverseFrequencies_Yarn_KeepsTheFastAndStretchesTheSlow()
    {
        float[] plain = RopeTable.InverseFrequencies(new RopeSpec(10_000f, 64));
        float[] scaled = RopeTable.InverseFrequencies(new RopeSpec(10_000f, 64) { Yarn = DeepSeek });

        for (int pair = 0; pair < 32; pair++)
        {
            double ramp = Math.Clamp((pair - 10) / 13.0, 0, 1);
            double expected = plain[pair] * (1 - ramp + (ramp / 40));
            Assert.Equal(expected, scaled[pair], expected * 1e-5);
        }
    }

    [Fact]
    public void InverseFrequencies_NotTruncated_HasEndsBetweenPairs()
    {
        double low = 64 * Math.Log(4096 / (32 * 2 * Math.PI)) / (2 * Math.Log(150_000));
        double high = 64 * Math.Log(4096 / (2 * Math.PI)) / (2 * Math.Log(150_000));
        float[] scaled = RopeTable.InverseFrequencies(new RopeSpec(150_000f, 64) { Yarn = GptOss });
        float[] truncated = RopeTable.InverseFrequencies(new RopeSpec(150_000f, 64) { Yarn = GptOss with { IsTruncated = true } });

        for (int pair = 0; pair < 32; pair++)
        {
            double ramp = Math.Clamp((pair - low) / (high - low), 0, 1);
            double expected = Math.Pow(150_000, -pair / 32.0) * (1 - ramp + (ramp / 32));
            Assert.Equal(expected, scaled[pair], expected * 1e-5);
        }

        Assert.NotEqual(scaled, truncated);
    }

    [Fact]
    public void InverseFrequencies_EndsThatMeet_AreAStep()
    {
        float[] plain = RopeTable.InverseFrequencies(new RopeSpec(10_000f, 64));
        float[] scaled = RopeTable.InverseFrequencies(new RopeSpec(10_000f, 64) { Yarn = DeepSeek with { BetaFast = 1f, IsTruncated = false } });

        Assert.Equal(plain.Take(23), scaled.Take(23));
        Assert.All(Enumerable.Range(23, 9), pair => Assert.Equal(plain[pair] / 40, scaled[pair], plain[pair] * 1e-6));
    }

    [Fact]
    public void Build_Yarn_MultipliesCosinesAndSines()
    {
        var rope = new RopeSpec(150_000f, 64) { Yarn = GptOss };
        float[] once = RopeTable.Build(rope with { Yarn = GptOss with { AttentionFactor = 1f } }, 20);

        Assert.Equal(once.Select(value => value * 1.3465736f), RopeTable.Build(rope, 20));
    }
}
