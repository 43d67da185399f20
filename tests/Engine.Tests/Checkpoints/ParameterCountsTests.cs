using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>Published sizes, in billions.</summary>
public sealed class ParameterCountsTests
{
    [Theory]
    [InlineData("mixtral-8x7b", 46.7)]
    [InlineData("mixtral-8x22b", 140.6)]
    [InlineData("dbrx", 132)]
    [InlineData("qwen3-30b-a3b", 30.5)]
    [InlineData("qwen3-235b-a22b", 235)]
    [InlineData("deepseek-v2-lite", 15.7)]
    [InlineData("deepseek-v2", 236)]
    [InlineData("deepseek-v3", 671)]
    [InlineData("kimi-k2", 1026)]
    [InlineData("gpt-oss-20b", 20.9)]
    [InlineData("gpt-oss-120b", 117)]
    [InlineData("qwen1.5-moe-a2.7b", 14.3)]
    [InlineData("olmoe-1b-7b", 6.92)]
    [InlineData("glm-4.5", 355)]
    [InlineData("glm-4.5-air", 106)]
    [InlineData("minimax-m2", 230)]
    [InlineData("scaled-moe", 317)]
    public void Total_PublishedModel_IsWithinOnePercent(string name, double billions)
    {
        double total = ParameterCounts.Of(PublishedConfigs.Read(name)).Total / 1e9;

        Assert.InRange(total, billions * 0.99, billions * 1.01);
    }

    [Theory]
    [InlineData("mixtral-8x22b", 39)]
    [InlineData("dbrx", 36)]
    [InlineData("qwen3-235b-a22b", 22)]
    [InlineData("deepseek-v3", 37)]
    [InlineData("gpt-oss-20b", 3.6)]
    [InlineData("gpt-oss-120b", 5.1)]
    public void Active_PublishedModel_IsWithinThreePercent(string name, double billions)
    {
        double active = ParameterCounts.Of(PublishedConfigs.Read(name)).Active / 1e9;

        Assert.InRange(active, billions * 0.97, billions * 1.03);
    }

    [Theory]
    [InlineData("qwen3-30b-a3b", 3.3)]
    [InlineData("qwen3-235b-a22b", 22)]
    public void ActiveWithEmbedding_WhereAuthorsCountIt_IsWithinThreePercent(string name, double billions)
    {
        double active = ParameterCounts.Of(PublishedConfigs.Read(name)).ActiveWithEmbedding / 1e9;

        Assert.InRange(active, billions * 0.97, billions * 1.03);
    }
}
