using System.IO.Hashing;
using System.Text;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Cluster;
using MegaInfer.Engine.Model;
using MegaInfer.Engine.Model.Families;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

public sealed class RandomCheckpointTests
{
    [Theory]
    [InlineData("qwen3_moe", NumberType.BFloat16, false)]
    [InlineData("qwen3_moe", NumberType.Float32, true)]
    [InlineData("mixtral", NumberType.BFloat16, false)]
    [InlineData("mixtral", NumberType.Float16, false)]
    public void Write_AnyFamily_OpensWithTheShapeAskedFor(string family, NumberType type, bool tied)
    {
        using var folder = new TemporaryFolder();
        var options = new RandomModelOptions { Family = family, NumberType = type, HasTiedEmbeddings = tied };
        RandomCheckpoint.Write(folder.Path, options);

        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);

        ModelSpec spec = checkpoint.Spec;
        Assert.Equal(family, spec.Family);
        Assert.Equal(options.HiddenSize, spec.HiddenSize);
        Assert.Equal(options.LayerCount, spec.LayerCount);
        Assert.Equal(options.ExpertCount, spec.Router.ExpertCount);
        Assert.Equal(options.ExpertsPerToken, spec.Router.ExpertsPerToken);
        Assert.Equal(options.ExpertWidth, spec.Experts.Width);
        Assert.Equal(new GroupedAttentionSpec(4, 2, 16) { HeadNorm = family == "qwen3_moe" ? HeadNorm.PerHead : HeadNorm.None }, spec.Attention);
        Assert.Equal(tied, spec.HasTiedEmbeddings);
        Assert.Equal([256, 258], spec.EosTokenIds);
        Assert.Equal(type, checkpoint.StoredType);
        Assert.Equal(options.LayerCount * options.ExpertCount * 3, checkpoint.TensorsOf(NodeRole.Expert).Count());
        Assert.Equal(checkpoint.Names.All().Count(), checkpoint.TensorsOf(NodeRole.Attention).Count() + checkpoint.TensorsOf(NodeRole.Expert).Count());
    }

    [Fact]
    public void Write_SameSeed_SameBytes()
    {
        using var first = new TemporaryFolder();
        using var second = new TemporaryFolder();
        RandomCheckpoint.Write(first.Path, new RandomModelOptions { Seed = 7 });
        RandomCheckpoint.Write(second.Path, new RandomModelOptions { Seed = 7 });

        foreach (string file in Directory.GetFiles(first.Path))
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(second[Path.GetFileName(file)]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Write_TextHead_ClearsTheRowsOfWhatIsNoText(bool tied)
    {
        using var folder = new TemporaryFolder();
        // A hidden size that makes the writer's chunks end within the cleared rows.
        var options = new RandomModelOptions { HasTiedEmbeddings = tied, VocabularySize = 512, HiddenSize = 1536 };
        RandomCheckpoint.Write(folder["usual"], options);
        RandomCheckpoint.Write(folder["text"], options with { HasTextHead = true });

        using Checkpoint usual = Checkpoint.Open(folder["usual"]);
        using Checkpoint text = Checkpoint.Open(folder["text"]);

        float[] expected = usual.Tensor(usual.Names.LmHead).ToFloat32();
        if (!tied)
            expected.AsSpan(128 * 1536, (259 - 128) * 1536).Clear();
        Assert.Equal(expected, text.Tensor(text.Names.LmHead).ToFloat32());
        Assert.Equal(usual.Tensor(usual.Names.Embedding).ToFloat32(), text.Tensor(text.Names.Embedding).ToFloat32());
    }

    public static TheoryData<string> Families => [.. ModelFamilies.All.Select(family => family.ModelType)];

    [Theory]
    [MemberData(nameof(Families))]
    public void Write_EveryFamily_OpensWithEveryBlock(string family)
    {
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(folder.Path, FamilyShapes.Of(family));

        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);

        Assert.Equal(family, checkpoint.Spec.Family);
        Assert.Null(checkpoint.Ignored);
        Assert.Equal(NumberType.BFloat16, checkpoint.StoredType);
        LayerViews.AssertShapes(checkpoint);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Write_Float8_OpensWithEveryProjectionAtStoredWidth(string family)
    {
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(folder.Path, FamilyShapes.Of(family) with { Quantized = NumberType.Float8E4M3, HiddenSize = 160 });

        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);

        Assert.Equal(NumberType.Float8E4M3, checkpoint.StoredTypeOf(NodeRole.Attention));
        Assert.Equal(1, checkpoint.Layer(0).Output().Tensor.Bytes / (double)checkpoint.Layer(0).Output().Tensor.Elements);
        LayerViews.AssertShapes(checkpoint);
        Assert.InRange(LayerViews.Spread(checkpoint.Layer(1).Output().ToFloat32()) * Math.Sqrt(checkpoint.Spec.Attention.OutputInputWidth), 0.8, 1.2);
    }

    [Fact]
    public void Write_MxFloat4_OpensWithExpertsAtStoredWidth()
    {
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(folder.Path, FamilyShapes.Of("gpt_oss") with { Quantized = NumberType.MxFloat4, ExpertWidth = 96 });

        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);

        Assert.Equal((NumberType.MxFloat4, NumberType.BFloat16), (checkpoint.StoredTypeOf(NodeRole.Expert), checkpoint.StoredTypeOf(NodeRole.Attention)));
        LayerViews.AssertShapes(checkpoint);
        Assert.InRange(LayerViews.Spread(checkpoint.Layer(1).Expert(new ExpertId(3)).Down.ToFloat32()) * Math.Sqrt(96), 0.6, 1.2);
    }

    [Theory]
    [InlineData("qwen3_moe", "a32621c7dd951fea06e5b7ecc8327bb3")]
    [InlineData("mixtral", "e17a94a5be9f361dd5ed26a643c35cd8")]
    public void Write_TheFirstFamilies_NeverChangeTheirBytes(string family, string expected)
    {
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(folder.Path, new RandomModelOptions { Family = family, ShardBytes = 300_000 });

        var hash = new XxHash128();
        foreach (string file in Directory.GetFiles(folder.Path).Order(StringComparer.Ordinal))
        {
            hash.Append(Encoding.UTF8.GetBytes(Path.GetFileName(file)));
            hash.Append(File.ReadAllBytes(file));
        }

        Assert.Equal(expected, Convert.ToHexStringLower(hash.GetCurrentHash()));
    }

    [Fact]
    public void Write_Sharded_HoldsTheSameNumbersAsOneFile()
    {
        using var whole = new TemporaryFolder();
        using var sharded = new TemporaryFolder();
        RandomCheckpoint.Write(whole.Path, new RandomModelOptions());
        RandomCheckpoint.Write(sharded.Path, new RandomModelOptions { ShardBytes = 100_000 });

        using Checkpoint one = Checkpoint.Open(whole.Path);
        using Checkpoint many = Checkpoint.Open(sharded.Path);

        Assert.True(Directory.GetFiles(sharded.Path, "model-*.safetensors").Length > 2);
        foreach (TensorSpec tensor in one.Names.All())
            Assert.Equal(one.Tensor(tensor.Name).ToFloat32(), many.Tensor(tensor.Name).ToFloat32());
    }

    [Fact]
    public void Write_Matrix_HasTheSpreadOfItsScale()
    {
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(folder.Path, new RandomModelOptions { NumberType = NumberType.Float32 });
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);

        float[] query = checkpoint.Tensor(checkpoint.Names.Query(0)).ToFloat32();

        double mean = query.Average(value => (double)value);
        double spread = Math.Sqrt(query.Average(value => (double)value * value));
        Assert.InRange(mean, -0.01, 0.01);
        Assert.InRange(spread * Math.Sqrt(64), 0.95, 1.05);
    }

    [Fact]
    public void Write_FolderInUse_IsRefused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["precious"], "");

        MegaInferException error = Assert.Throws<MegaInferException>(() => RandomCheckpoint.Write(folder.Path, new RandomModelOptions()));

        Assert.Contains("not empty", error.Message);
    }

    [Fact]
    public void Write_ImpossibleShape_NamesTheField()
    {
        using var folder = new TemporaryFolder();

        MegaInferException error = Assert.Throws<CheckpointException>(
            () => RandomCheckpoint.Write(folder.Path, new RandomModelOptions { HeadCount = 4, KvHeadCount = 3 }));

        Assert.Contains("num_key_value_heads", error.Message);
    }

    [Fact]
    public void Address_AfterRelease_MapsTheSameBytesAgain()
    {
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(folder.Path, new RandomModelOptions());
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        CheckpointTensor tensor = checkpoint.Tensor(checkpoint.Names.Router(1));

        byte[] before = tensor.Address.HostSpan<byte>((int)tensor.Bytes).ToArray();
        checkpoint.Release();

        Assert.Equal(before, tensor.Address.HostSpan<byte>((int)tensor.Bytes).ToArray());
        Assert.Equal(before.Length / 2, tensor.Elements);
    }
}
