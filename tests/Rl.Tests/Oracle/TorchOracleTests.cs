using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Reference;
using Xunit;

namespace MegaInfer.Rl.Tests.Oracle;

/// <summary>The engine's plain reference and the oracle, which share no code, give the same logits.</summary>
public sealed class TorchOracleTests
{
    private const double LargestDifference = 1e-3; // in standard deviations of the logits

    [Theory]
    [InlineData("qwen3_moe", false, 0)]
    [InlineData("qwen3_moe", true, 20_000)]
    [InlineData("mixtral", false, 0)]
    [InlineData("mixtral", false, 20_000)]
    public void Logits_RandomModel_AreTheReferences(string family, bool isTied, long shardBytes)
    {
        string folder = Directory.CreateTempSubdirectory("megainfer-oracle-").FullName;
        try
        {
            RandomModelOptions options = new() { Family = family, HasTiedEmbeddings = isTied, ShardBytes = shardBytes, LayerCount = 3, Seed = 11 };
            RandomCheckpoint.Write(folder, options);
            AssertAgree(folder, [.. Enumerable.Range(0, 24).Select(i => i * 7919 % options.VocabularySize)]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Logits_EmbeddedModel_AreTheReferences()
    {
        string folder = RepositoryFolder("models/megainfer-mini");
        AssertAgree(folder, [.. Enumerable.Range(0, 40).Select(i => i * 31 % 1000)]);
    }

    /// <summary>A folder of the repository this test was built from.</summary>
    internal static string RepositoryFolder(string path)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MegaInfer.sln")))
            folder = folder.Parent;
        return Path.Combine(folder!.FullName, path);
    }

    private static void AssertAgree(string folder, int[] tokens)
    {
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        float[][] expected = new ReferenceModel(checkpoint, NumberType.Float32, NumberType.Float32).Logits(tokens);
        float[,] actual = new TorchOracle(folder).Logits(tokens);
        double mean = expected.SelectMany(row => row).Average();
        double deviation = Math.Sqrt(expected.SelectMany(row => row).Average(logit => (logit - mean) * (logit - mean)));
        Assert.True(deviation > 0.01, $"the logits do not vary: {deviation}");
        Assert.Equal(expected.Length, actual.GetLength(0));
        for (int t = 0; t < tokens.Length; t++)
        {
            double difference = Enumerable.Range(0, expected[t].Length).Max(v => Math.Abs(expected[t][v] - actual[t, v]));
            Assert.True(difference <= LargestDifference * deviation, $"row {t}: {difference / deviation:E2} deviations");
        }
    }
}
