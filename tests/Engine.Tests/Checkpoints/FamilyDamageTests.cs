using System.Text;
using System.Text.Json;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>Damaged configs of every family give a sentence or a model whose sizes can be counted.</summary>
public sealed class FamilyDamageTests
{
    public static TheoryData<string> Configs => [.. PublishedConfigs.Names];

    [Theory]
    [MemberData(nameof(Configs))]
    public void Parse_MutatedConfig_GivesASentenceOrASpec(string name) => Mutate(name, 150);

    [Theory(Explicit = true)]
    [MemberData(nameof(Configs))]
    public void Parse_ManyMutatedConfigs_GiveASentenceOrASpec(string name) => Mutate(name, 20_000);

    private static void Mutate(string name, int count)
    {
        byte[] original = Encoding.UTF8.GetBytes(PublishedConfigs.Text(name));
        for (int seed = 0; seed < count; seed++)
        {
            try
            {
                using JsonDocument document = JsonFile.ParseObject("config.json", new Mutator(seed).Mutate(original));
                ModelSpec spec = ModelConfig.Parse(new ConfigReader("config.json", document.RootElement));
                Assert.NotEmpty(ModelDigest.Describe(spec));
                Assert.All(new TensorNames(spec).All().Take(100), tensor => Assert.True(tensor.Elements > 0));
                if (spec.LayerCount > 200)
                    continue;
                Assert.True(ParameterCounts.Of(spec).Total > 0);
                Assert.True(WeightSizes.InMemory(spec).Experts > 0);
                Assert.True(new PipelineShape(spec, 1, NumberType.Float32).KvBytesPerToken > 0);
            }
            catch (CheckpointException exception)
            {
                Assert.EndsWith(".", exception.Message);
                Assert.DoesNotContain('\n', exception.Message);
                Assert.True(exception.Message.Length < 1000, $"seed {seed}: a sentence of {exception.Message.Length} characters");
            }
        }
    }
}
