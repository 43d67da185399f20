using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

public sealed class ModelDigestTests
{
    [Fact]
    public void Of_KnownModel_NeverChanges()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal("c9e793c275b0bcbf639bdc5c4602a01f", Write(folder.Path, new RandomModelOptions()));
    }

    [Fact]
    public void Of_ShardedOrWhole_IsTheSame()
    {
        using var whole = new TemporaryFolder();
        using var sharded = new TemporaryFolder();
        Assert.Equal(Write(whole.Path, new RandomModelOptions()), Write(sharded.Path, new RandomModelOptions { ShardBytes = 100_000 }));
    }

    [Fact]
    public void Of_OtherWeightsShapeOrConfig_Differs()
    {
        RandomModelOptions[] variants =
        [
            new(), new() { Seed = 2 }, new() { LayerCount = 3 }, new() { RopeTheta = 10_001f }, new() { IsRouterNormalized = false }, new() { ContextLength = 513 },
        ];
        var digests = new HashSet<string>();
        foreach (RandomModelOptions options in variants)
        {
            using var folder = new TemporaryFolder();
            Assert.True(digests.Add(Write(folder.Path, options)));
        }
    }

    [Fact]
    public void Describe_AnyFieldOfTheSpec_Counts()
    {
        // Every property of every record in a spec, changed one by one.
        foreach (string name in new[] { "deepseek-v3", "gpt-oss-20b", "qwen1.5-moe-a2.7b" })
        {
            ModelSpec spec = PublishedConfigs.Read(name);
            var texts = new HashSet<string> { ModelDigest.Describe(spec) };
            Assert.All(SpecChanges.Of(spec), change => Assert.True(texts.Add(ModelDigest.Describe((ModelSpec)change.Spec)), change.Property));
        }
    }

    [Fact]
    public void Of_ChangedScale_Differs()
    {
        using var folder = new TemporaryFolder();
        string before = Write(folder.Path, new RandomModelOptions { Quantized = NumberType.Float8E4M3 });
        using (Checkpoint checkpoint = Checkpoint.Open(folder.Path))
            Assert.Contains(checkpoint.Tensors, tensor => tensor.Name.EndsWith("_scale_inv", StringComparison.Ordinal));
        Headers.ChangeByteOf(folder["model.safetensors"], "model.layers.0.self_attn.o_proj.weight_scale_inv");

        using Checkpoint changed = Checkpoint.Open(folder.Path);

        Assert.NotEqual(before, ModelDigest.Of(changed, null));
    }

    [Fact]
    public void Of_OneChangedByte_Differs()
    {
        using var folder = new TemporaryFolder();
        string before = Write(folder.Path, new RandomModelOptions());
        ChangeMiddleByte(folder["model.safetensors"]);

        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);

        Assert.NotEqual(before, ModelDigest.Of(checkpoint, null));
    }

    [Fact]
    public void Of_LargeTensors_AreSampledFromBothEnds()
    {
        // The embedding, 2 MiB, is the file's first tensor.
        using var folder = new TemporaryFolder();
        string before = Write(folder.Path, new RandomModelOptions { VocabularySize = 16_384, LayerCount = 1 });
        using (FileStream file = File.Open(folder["model.safetensors"], FileMode.Open))
        {
            byte[] length = new byte[8];
            file.ReadExactly(length);
            file.Position = 8 + BitConverter.ToInt64(length) + (16_384 * 64 * 2) - 1;
            int last = file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(last ^ 1));
        }

        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);

        Assert.NotEqual(before, ModelDigest.Of(checkpoint, null));
    }

    [Fact]
    public void Of_WithCache_IsRememberedUntilAFileChanges()
    {
        using var folder = new TemporaryFolder();
        using var cacheFolder = new TemporaryFolder();
        string before = Write(folder.Path, new RandomModelOptions());
        var cache = new DigestCache(cacheFolder.Path, leastBytes: 0);
        using (Checkpoint checkpoint = Checkpoint.Open(folder.Path))
            Assert.Equal(before, ModelDigest.Of(checkpoint, cache));

        // The same size and time: the cache cannot know, which shows that it was asked.
        DateTime written = File.GetLastWriteTimeUtc(folder["model.safetensors"]);
        ChangeMiddleByte(folder["model.safetensors"]);
        File.SetLastWriteTimeUtc(folder["model.safetensors"], written);
        using (Checkpoint checkpoint = Checkpoint.Open(folder.Path))
            Assert.Equal(before, ModelDigest.Of(checkpoint, cache));

        File.SetLastWriteTimeUtc(folder["model.safetensors"], written.AddSeconds(1));
        using (Checkpoint checkpoint = Checkpoint.Open(folder.Path))
            Assert.NotEqual(before, ModelDigest.Of(checkpoint, cache));
    }

    [Fact]
    public void Of_SmallModel_LeavesTheCacheAlone()
    {
        using var folder = new TemporaryFolder();
        using var cacheFolder = new TemporaryFolder();
        Write(folder.Path, new RandomModelOptions());
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);

        ModelDigest.Of(checkpoint, new DigestCache(cacheFolder.Path));

        Assert.Empty(Directory.GetFiles(cacheFolder.Path));
    }

    [Fact]
    public void Of_UnusableCache_IsComputed()
    {
        using var folder = new TemporaryFolder();
        string expected = Write(folder.Path, new RandomModelOptions());
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);

        // A file where a folder should be: nothing can be stored there, whoever runs the test.
        Assert.Equal(expected, ModelDigest.Of(checkpoint, new DigestCache(folder["config.json"], leastBytes: 0)));
    }

    private static string Write(string folder, RandomModelOptions options)
    {
        RandomCheckpoint.Write(folder, options);
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        return ModelDigest.Of(checkpoint, null);
    }

    private static void ChangeMiddleByte(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);
    }
}
