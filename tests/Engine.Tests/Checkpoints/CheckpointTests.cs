using System.Text.Json.Nodes;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>Folders with one thing wrong: the sentence names it.</summary>
public sealed class CheckpointTests : IDisposable
{
    private const string Norm = "model.norm.weight";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_NoWeights_NamesBothFiles()
    {
        Write();
        File.Delete(_folder["model.safetensors"]);

        AssertSentence("model.safetensors.index.json");
    }

    [Fact]
    public void Open_MissingShard_NamesIt()
    {
        Write(new RandomModelOptions { ShardBytes = 100_000 });
        string shard = Directory.GetFiles(_folder.Path, "model-00002-of-*").Single();
        File.Delete(shard);

        AssertSentence(shard);
    }

    [Fact]
    public void Open_IndexOutOfStep_NamesTheTensor()
    {
        Write(new RandomModelOptions { ShardBytes = 100_000 });
        string path = _folder["model.safetensors.index.json"];
        JsonNode index = JsonNode.Parse(File.ReadAllText(path))!;
        index["weight_map"]![Norm] = "model-00001-of-00005.safetensors";
        index["weight_map"]!["nobody"] = "model-00001-of-00005.safetensors";
        File.WriteAllText(path, index.ToJsonString().Replace("00005", Directory.GetFiles(_folder.Path, "model-*.safetensors").Length.ToString("D5")));

        AssertSentence(path, "has not");
    }

    [Theory]
    [InlineData("../other/model.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("")]
    public void Open_IndexThatLeavesTheFolder_IsRefused(string shard)
    {
        Write(new RandomModelOptions { ShardBytes = 100_000 });
        string path = _folder["model.safetensors.index.json"];
        JsonNode index = JsonNode.Parse(File.ReadAllText(path))!;
        index["weight_map"]![Norm] = shard;
        File.WriteAllText(path, index.ToJsonString());

        AssertSentence(path, "file name");
    }

    [Fact]
    public void Open_MissingTensor_NamesItAndItsShape()
    {
        Write();
        Rewrite(header => header.Replace(Norm, "model.other.weight"));

        AssertSentence(Norm, "[64]");
    }

    [Fact]
    public void Open_WrongShape_NamesExpectedAndFound()
    {
        Write();
        Rewrite(header => header.Replace("\"lm_head.weight\":{\"dtype\":\"BF16\",\"shape\":[512,64]", "\"lm_head.weight\":{\"dtype\":\"BF16\",\"shape\":[64,512]"));

        AssertSentence("lm_head.weight", "[512, 64]", "[64, 512]", "model.safetensors");
    }

    [Fact]
    public void Open_WrongType_NamesExpectedAndFound()
    {
        Write();
        Rewrite(header => header.Replace($"\"{Norm}\":{{\"dtype\":\"BF16\"", $"\"{Norm}\":{{\"dtype\":\"I16\""));

        AssertSentence(Norm, "BF16", "I16");
    }

    [Fact]
    public void Open_SurplusTensor_NamesIt()
    {
        Write();
        WriteSecondShard("model.layers.0.mlp.shared_expert.gate_proj.weight");

        AssertSentence("model.layers.0.mlp.shared_expert.gate_proj.weight", "does not account for");
    }

    [Theory]
    [InlineData("qwen3_moe", "model.layers.1.self_attn.rotary_emb.inv_freq", false, "1 rope frequencies")]
    [InlineData("qwen3_moe", "model.layers.2.self_attn.rotary_emb.inv_freq", false, null)]
    [InlineData("qwen3_moe", "lm_head.weight", true, "1 copies of tied embeddings")]
    [InlineData("mixtral", "model.layers.0.self_attn.masked_bias", false, "1 attention masks")]
    [InlineData("dbrx", "transformer.blocks.0.norm_attn_norm.attn.rotary_emb.inv_freq", false, "1 rope frequencies")]
    [InlineData("dbrx", "model.layers.0.self_attn.rotary_emb.inv_freq", false, null)]
    [InlineData("deepseek_v3", "model.layers.2.eh_proj.weight", false, "1 multi-token-prediction tensors")]
    [InlineData("deepseek_v3", "model.layers.2.enorm.weight", false, null)] // a layer too many, for all that is known
    [InlineData("deepseek_v3", "model.layers.1.eh_proj.weight", false, null)]
    [InlineData("qwen3_moe", "model.layers.2.eh_proj.weight", false, null)]
    public void Open_KnownExtra_IsIgnoredAndReported(string family, string name, bool tied, string? report)
    {
        Write(new RandomModelOptions { Family = family, HasTiedEmbeddings = tied });
        WriteSecondShard(name);

        if (report is null)
        {
            AssertSentence(name, "does not account for");
            return;
        }

        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);
        Assert.Equal(report, checkpoint.Ignored);
    }

    [Theory]
    [InlineData("\"data_offsets\":[0,", "\"data_offsets\":[2,", "expected")]
    [InlineData("\"shape\":[512,64]", "\"shape\":[9223372036854775807,64]", "impossible shape")]
    [InlineData("\"shape\":[512,64]", "\"shape\":[2147483647,2147483647,2147483647]", "impossible shape")]
    [InlineData("\"shape\":[512,64]", "\"shape\":[-1,64]", "non-negative")]
    [InlineData("\"dtype\":\"BF16\"", "\"dtype\":\"Q8\"", "unknown type")]
    [InlineData("\"dtype\":\"BF16\"", "\"dtypo\":\"BF16\"", "unknown field")]
    [InlineData("{\"__metadata__\"", "[\"__metadata__\"", "JSON")]
    public void Open_DamagedHeader_IsOneSentence(string from, string to, string expected)
    {
        Write();
        Rewrite(header => header.Insert(header.IndexOf(from, StringComparison.Ordinal), to).Remove(header.IndexOf(from, StringComparison.Ordinal) + to.Length, from.Length));

        AssertSentence("model.safetensors", expected);
    }

    [Fact]
    public void Open_HeaderLongerThanTheFile_AllocatesNothingForIt()
    {
        Write();
        byte[] bytes = File.ReadAllBytes(_folder["model.safetensors"]);
        BitConverter.TryWriteBytes(bytes, 99_000_000L);
        File.WriteAllBytes(_folder["model.safetensors"], bytes);

        long before = GC.GetTotalAllocatedBytes();
        AssertSentence("99000000");
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 10_000_000);
    }

    [Fact]
    public void Open_BytesAfterTheLastTensor_AreRefused()
    {
        Write();
        File.AppendAllText(_folder["model.safetensors"], "tail");

        AssertSentence("4 bytes after");
    }

    [Fact]
    public void Tensor_UnknownName_IsOneSentence()
    {
        Write();
        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);

        Assert.Contains("\"nothing\"", Assert.Throws<CheckpointException>(() => checkpoint.Tensor("nothing")).Message);
    }

    [Fact]
    public void ToFloat32_EachType_GivesTheNearestNumbers()
    {
        float[][] read = [.. new[] { NumberType.Float32, NumberType.BFloat16, NumberType.Float16 }.Select(type =>
        {
            using var folder = new TemporaryFolder();
            RandomCheckpoint.Write(folder.Path, new RandomModelOptions { NumberType = type });
            using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
            return checkpoint.Tensor(Norm).ToFloat32();
        })];

        Assert.Equal(read[0].Select(BFloat16.Round), read[1]);
        Assert.Equal(read[0].Select(value => (float)(Half)value), read[2]);
    }

    private void Write(RandomModelOptions? options = null) => RandomCheckpoint.Write(_folder.Path, options ?? new RandomModelOptions());

    private void Rewrite(Func<string, string> change) => Headers.Rewrite(_folder["model.safetensors"], change);

    /// <summary>Moves the single file behind an index, beside a second file with one more tensor.</summary>
    private void WriteSecondShard(string name)
    {
        SafetensorsWriter.Write(_folder["b.safetensors"], [new TensorSpec(name, 4)], NumberType.Float32, (_, _, values) => values.Fill(1));
        File.Move(_folder["model.safetensors"], _folder["a.safetensors"]);
        var map = new JsonObject { [name] = "b.safetensors", [File.ReadAllText(_folder["config.json"]).Contains("dbrx") ? "transformer.norm_f.weight" : Norm] = "a.safetensors" };
        File.WriteAllText(_folder["model.safetensors.index.json"], new JsonObject { ["weight_map"] = map }.ToJsonString());
    }

    private void AssertSentence(params string[] parts)
    {
        CheckpointException error = Assert.Throws<CheckpointException>(() => Checkpoint.Open(_folder.Path));
        Assert.All(parts, part => Assert.Contains(part, error.Message));
        Assert.EndsWith(".", error.Message);
        Assert.DoesNotContain("\n", error.Message);
    }
}
