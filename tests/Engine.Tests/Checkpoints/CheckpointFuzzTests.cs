using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Tests.Fuzzing;
using Xunit;

namespace MegaInfer.Engine.Tests.Checkpoints;

/// <summary>Folders with damaged files give a sentence, never a crash, a hang or memory by the gigabyte.</summary>
public sealed class CheckpointFuzzTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public CheckpointFuzzTests() =>
        RandomCheckpoint.Write(_folder.Path, new RandomModelOptions { LayerCount = 1, ExpertCount = 2, VocabularySize = 32, HiddenSize = 8, ExpertWidth = 4, HeadDim = 4 });

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_MutatedFiles_GiveOnlySentences()
    {
        string path = _folder["model.safetensors"];
        byte[] original = File.ReadAllBytes(path);
        for (int seed = 0; seed < 300; seed++)
        {
            // The length and the beginning of the header, where a file has most to say; the rest stays, so that some files open.
            byte[] head = Wounded(original[..200], seed);
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
            File.WriteAllBytes(path, Wounded(original, seed));
            Attempt(seed, () => Checkpoint.Open(sharded.Path).Dispose());
        }
    }

    private static byte[] Wounded(byte[] original, int seed)
    {
        System.Random random = new(seed);
        List<byte> bytes = [.. original];
        for (int wounds = random.Next(1, 5); wounds > 0; wounds--)
            ByteMutator.Wound(bytes, random);
        return [.. bytes];
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
