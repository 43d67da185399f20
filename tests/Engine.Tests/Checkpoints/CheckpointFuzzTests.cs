using System.Text.Json;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>Damaged files give a sentence, never a crash, a hang or memory by the gigabyte.</summary>
public sealed class CheckpointFuzzTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public CheckpointFuzzTests() =>
        RandomCheckpoint.Write(_folder.Path, new RandomModelOptions { LayerCount = 1, ExpertCount = 2, VocabularySize = 32, HiddenSize = 8, ExpertWidth = 4, HeadDim = 4 });

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Parse_MutatedHeaders_GiveOnlySentences() => MutateHeaders(4_000);

    [Fact(Explicit = true)]
    public void Parse_ManyMutatedHeaders_GiveOnlySentences() => MutateHeaders(200_000);

    [Fact]
    public void Read_MutatedConfigs_GiveOnlySentences() => MutateConfigs(2_000);

    [Fact(Explicit = true)]
    public void Read_ManyMutatedConfigs_GiveOnlySentences() => MutateConfigs(200_000);

    [Fact]
    public void Open_MutatedFiles_GiveOnlySentences()
    {
        string path = _folder["model.safetensors"];
        byte[] original = File.ReadAllBytes(path);
        for (int seed = 0; seed < 300; seed++)
        {
            // The length and the beginning of the header, where a file has most to say; the rest stays, so that some files open.
            byte[] head = new Mutator(seed).Mutate(original[..200]);
            File.WriteAllBytes(path, [.. head, .. original.AsSpan(200)]);
            Attempt(seed, () => Checkpoint.Open(_folder.Path).Dispose());
        }
    }

    [Fact]
    public void Open_TruncatedAnywhere_IsRefused()
    {
        string path = _folder["model.safetensors"];
        byte[] original = File.ReadAllBytes(path);
        for (int length = 0; length < original.Length; length += 1 + (length / 16))
        {
            File.WriteAllBytes(path, original[..length]);
            CheckpointException error = Assert.Throws<CheckpointException>(() => Checkpoint.Open(_folder.Path));
            Assert.Contains(path, error.Message);
        }
    }

    [Fact]
    public void Open_MutatedIndex_GivesOnlySentences()
    {
        using var sharded = new TemporaryFolder();
        RandomCheckpoint.Write(sharded.Path, new RandomModelOptions { ShardBytes = 60_000 });
        string path = sharded["model.safetensors.index.json"];
        byte[] original = File.ReadAllBytes(path);
        for (int seed = 0; seed < 200; seed++)
        {
            File.WriteAllBytes(path, new Mutator(seed).Mutate(original));
            Attempt(seed, () => Checkpoint.Open(sharded.Path).Dispose());
        }
    }

    private void MutateHeaders(int count)
    {
        byte[] file = File.ReadAllBytes(_folder["model.safetensors"]);
        int headerBytes = (int)BitConverter.ToInt64(file);
        byte[] header = file[8..(8 + headerBytes)];
        for (int seed = 0; seed < count; seed++)
        {
            byte[] mutated = new Mutator(seed).Mutate(header);
            long dataStart = 8 + mutated.Length;
            long fileLength = dataStart + file.Length - 8 - headerBytes;
            Attempt(seed, () =>
            {
                SafetensorsHeader parsed = SafetensorsHeader.Parse("x.safetensors", mutated, dataStart, fileLength);
                Assert.All(parsed.Entries.Values, entry => Assert.InRange(entry.Offset, dataStart, fileLength - entry.Bytes));
            });
        }
    }

    private void MutateConfigs(int count)
    {
        byte[] original = File.ReadAllBytes(_folder["config.json"]);
        for (int seed = 0; seed < count; seed++)
        {
            byte[] mutated = new Mutator(seed).Mutate(original);
            Attempt(seed, () =>
            {
                using JsonDocument document = JsonFile.ParseObject("config.json", mutated);
                ModelConfig.Parse(new ConfigReader("config.json", document.RootElement));
            });
        }
    }

    private static void Attempt(int seed, Action action)
    {
        try
        {
            action();
        }
        catch (CheckpointException exception)
        {
            Assert.EndsWith(".", exception.Message);
            Assert.True(exception.Message.Length < 1000, $"seed {seed}: a sentence of {exception.Message.Length} characters");
        }
    }
}
