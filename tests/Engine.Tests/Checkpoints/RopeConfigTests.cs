using System.Text.Json.Nodes;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>Rope scaling in its spellings, on a Qwen3 config of 40,960 positions.</summary>
public sealed class RopeConfigTests
{
    private const float QuarterLog = 1.1386294f; // 0.1 ln 4 + 1

    [Theory]
    [InlineData("rope_scaling", """{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":32768}""")]
    [InlineData("rope_scaling", """{"type":"yarn","factor":4,"original_max_position_embeddings":32768,"beta_fast":null}""")]
    [InlineData("rope_parameters", """{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":32768,"rope_theta":1000000.0}""")]
    [InlineData("rope_scaling", """{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":32768,"mscale":0,"mscale_all_dim":0.0}""")]
    public void Yarn_InAnySpelling_IsTheSame(string field, string value)
    {
        ModelSpec spec = Read(field, value);

        Assert.Equal(new RopeSpec(1e6f, 128) { Yarn = new YarnSpec(4f, 32_768, 32f, 1f, true, QuarterLog) }, spec.Rope);
        Assert.Equal(131_072, spec.ContextLength);
    }

    [Fact]
    public void Yarn_WithEverythingStated_TakesIt()
    {
        RopeSpec rope = Read("rope_scaling", """{"rope_type":"yarn","factor":2.0,"original_max_position_embeddings":4096,"attention_factor":1.5,"beta_fast":16,"beta_slow":2,"truncate":false}""").Rope;

        Assert.Equal(new YarnSpec(2f, 4096, 16f, 2f, false, 1.5f), rope.Yarn);
    }

    [Fact]
    public void Yarn_WithoutTheOriginalContext_TakesTheStatedOne()
    {
        ModelSpec spec = Read("rope_scaling", """{"rope_type":"yarn","factor":2.0}""");

        Assert.Equal(40_960, spec.Rope.Yarn!.OriginalContext);
        Assert.Equal(81_920, spec.ContextLength);
    }

    [Fact]
    public void Yarn_WithBothMagnitudes_TakesTheirRatio()
    {
        RopeSpec rope = Read("rope_scaling", """{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":32768,"mscale":0.707,"mscale_all_dim":1.0}""").Rope;

        Assert.Equal(((0.1 * 0.707 * Math.Log(4)) + 1) / ((0.1 * Math.Log(4)) + 1), rope.Yarn!.AttentionFactor, 1e-6);
    }

    [Fact]
    public void Yarn_OfAShorterContextThanStated_LeavesTheStatedOne() =>
        Assert.Equal(40_960, Read("rope_scaling", """{"rope_type":"yarn","factor":2.0,"original_max_position_embeddings":4096}""").ContextLength);

    [Theory]
    [InlineData("""{"type":"linear","factor":2.0}""", 2f)]
    [InlineData("""{"rope_type":"default"}""", 1f)]
    [InlineData("""{"rope_type":"default","factor":1.0}""", 1f)]
    [InlineData("{}", 1f)]
    public void LinearAndPlain_AreTheirFactor(string scaling, float factor) =>
        Assert.Equal(new RopeSpec(1e6f, 128) { LinearFactor = factor }, Read("rope_scaling", scaling).Rope);

    [Theory]
    [InlineData("""{"type":"linear"}""")]
    [InlineData("""{"type":"linear","factor":0}""")]
    [InlineData("""{"type":"yarn","factor":"four"}""")]
    [InlineData("""{"type":"yarn","factor":4.0,"original_max_position_embeddings":-1}""")]
    [InlineData("""{"type":"yarn","factor":4.0,"truncate":"no"}""")]
    [InlineData("""{"type":"default","factor":2.0}""")]
    [InlineData("\"yarn\"")]
    public void Scaling_Wrong_IsOneSentence(string scaling)
    {
        MegaInferException error = Assert.ThrowsAny<MegaInferException>(() => Read("rope_scaling", scaling));

        Assert.Contains("\"rope_scaling", error.Message);
        Assert.EndsWith(".", error.Message);
    }

    private static ModelSpec Read(string field, string value)
    {
        JsonObject json = JsonNode.Parse(PublishedConfigs.Text("qwen3-30b-a3b"))!.AsObject();
        json[field] = JsonNode.Parse(value);
        return PublishedConfigs.Parse(json.ToJsonString());
    }
}
