using MegaInfer.Engine;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Engine.Checkpoints.Random;
using MegaInfer.Engine.Model;
using Xunit;

namespace MegaInfer.Kernels.Tests;

/// <summary>Packed weights that come from disk are those that were packed, and whatever is wrong with a file leads to packing again.</summary>
public sealed class PackedCacheTests : IDisposable
{
    private readonly CheckpointFolder _folder = new(threads: 2);
    private readonly Checkpoint _checkpoint;

    public PackedCacheTests() => _checkpoint = _folder.Write(new RandomModelOptions { Family = "gpt_oss", HiddenSize = 96 });

    private KernelContext Context => _folder.Context;

    private string CacheFolder => Path.Combine(_folder.Path, "cache");

    private string[] Kept => [.. Directory.EnumerateFiles(CacheFolder).Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        _checkpoint.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(NumberType.Float32)]
    [InlineData(NumberType.BFloat16)]
    [InlineData(NumberType.Int8)]
    [InlineData(NumberType.Int4)]
    public void Weight_SecondTime_IsTheFirstOnesBytes(NumberType type)
    {
        MatrixView[] matrices = [_checkpoint.Layer(0).Output()];
        using PackedWeight plain = Context.Pack(matrices, type);
        using PackedWeight first = Pack(matrices, type);
        Assert.Single(Kept);
        using PackedWeight? kept = Cache().FindWeight(Context, matrices, (WeightType)type);
        Assert.NotNull(kept);
        using PackedWeight second = Pack(matrices, type);
        Assert.Equal(Bytes(plain.Data), Bytes(first.Data));
        Assert.Equal(Bytes(plain.Data), Bytes(second.Data));
        Assert.Equal((plain.Rows, plain.Columns, plain.Type, plain.Bytes), (second.Rows, second.Columns, second.Type, second.Bytes));
    }

    [Fact]
    public void Experts_SecondTime_AreTheFirstOnesBytes_BiasesIncluded()
    {
        ExpertMatrices[] experts = [.. Enumerable.Range(0, 3).Select(expert => _checkpoint.Layer(0).Expert(new ExpertId(expert)))];
        Assert.NotNull(experts[0].GateBias);
        using PackedExperts first = Pack(experts);
        string file = Assert.Single(Kept);
        DateTime written = File.GetLastWriteTimeUtc(file).AddHours(-1);
        File.SetLastWriteTimeUtc(file, written);
        using PackedExperts second = Pack(experts);
        Assert.NotEqual(written, File.GetLastWriteTimeUtc(file)); // it was read
        Assert.Equal(Bytes(first.Data), Bytes(second.Data));
        Assert.Equal((3, first.Hidden, first.Width, first.Type), (second.Count, second.Hidden, second.Width, second.Type));
        using PackedExperts fewer = Pack(experts[..2]);
        Assert.Equal(2, Kept.Length);
    }

    [Fact]
    public void OtherTypesFilesOrMatrices_AreOtherEntries()
    {
        MatrixView[] matrices = [_checkpoint.Layer(0).Output()];
        Pack(matrices, NumberType.Int8).Dispose();
        Assert.Null(Cache().FindWeight(Context, matrices, WeightType.Int4));
        Assert.Null(Cache("newer").FindWeight(Context, matrices, WeightType.Int8));
        Assert.Null(Cache().FindWeight(Context, [_checkpoint.Layer(1).Output()], WeightType.Int8));
        Pack(matrices, NumberType.BFloat16).Dispose();
        Assert.Equal(2, Kept.Length);
    }

    [Theory]
    [InlineData(0)] // a byte of the weights
    [InlineData(-1)] // of the checksum
    public void DamagedFile_IsPackedAndWrittenAgain(int place)
    {
        MatrixView[] matrices = [_checkpoint.Layer(0).Output()];
        using PackedWeight first = Pack(matrices, NumberType.Int8);
        byte[] bytes = File.ReadAllBytes(Kept[0]);
        bytes[place < 0 ? bytes.Length + place : place] ^= 1;
        File.WriteAllBytes(Kept[0], bytes);
        Assert.Null(Cache().FindWeight(Context, matrices, WeightType.Int8));
        using PackedWeight second = Pack(matrices, NumberType.Int8);
        Assert.Equal(Bytes(first.Data), Bytes(second.Data));
        using PackedWeight? kept = Cache().FindWeight(Context, matrices, WeightType.Int8);
        Assert.NotNull(kept);
    }

    [Fact]
    public void CutFiles_AndAFolderThatIsAFile_AreAsGoodAsNothing()
    {
        MatrixView[] matrices = [_checkpoint.Layer(0).Output()];
        Pack(matrices, NumberType.Int8).Dispose();
        byte[] bytes = File.ReadAllBytes(Kept[0]);
        foreach (int length in new[] { 0, 1, 8, 9, bytes.Length / 2, bytes.Length - 1 })
        {
            File.WriteAllBytes(Kept[0], bytes[..length]);
            Assert.Null(Cache().FindWeight(Context, matrices, WeightType.Int8));
        }

        string file = Path.Combine(_folder.Path, "file");
        File.WriteAllText(file, "");
        using PackedWeight packed = Pack(matrices, NumberType.Int8, new PackedCache(file, "files"));
        Assert.Equal(WeightType.Int8, packed.Type);
    }

    [Fact]
    public void WidenedWeights_AreNotKept()
    {
        using Checkpoint checkpoint = _folder.Write(new RandomModelOptions { Family = "qwen3_moe", HiddenSize = 192, Quantized = NumberType.Float8E4M3 });
        MatrixView stored = checkpoint.Layer(0).Expert(new ExpertId(0)).Gate;
        // As if its columns began in the middle of a block of scales: there is no packed form.
        MatrixView cut = stored with { Scales = stored.Scales! with { Column = stored.Scales!.BlockColumns / 2 } };
        using PackedWeight packed = Pack([cut], NumberType.Float8E4M3);
        Assert.Equal(WeightType.F32, packed.Type);
        Assert.False(Directory.Exists(CacheFolder));
    }

    [Fact]
    public async Task Settling_InTheBackground_WritesAndThenMoves()
    {
        MatrixView[] matrices = [_checkpoint.Layer(0).Output()];
        PackedCache writing = Cache();
        using PackedWeight packed = Context.Pack(matrices, NumberType.BFloat16, writing);
        Assert.False(Directory.Exists(CacheFolder)); // loading does not wait for it
        Assert.Equal((0, packed.Bytes), (writing.MappedBytes, writing.UnsettledBytes));
        writing.StartSettling();
        await UntilSettledAsync(writing);
        writing.Dispose();
        Assert.Single(Kept);
        PackedCache reading = Cache();
        using PackedWeight found = Context.Pack(matrices, NumberType.BFloat16, reading);
        Assert.Equal(found.Bytes, reading.MappedBytes);
        reading.StartSettling();
        reading.StartSettling(); // once
        await UntilSettledAsync(reading);
        reading.Dispose();
        Assert.Equal(Bytes(packed.Data), Bytes(found.Data));
    }

    [Fact]
    public void Settling_ThatIsStopped_LeavesNoHalfFile()
    {
        MatrixView[] matrices = [_checkpoint.Layer(0).Output()];
        var cache = Cache();
        using PackedWeight packed = Context.Pack(matrices, NumberType.BFloat16, cache);
        cache.Settle(new Pace(0, new CancellationToken(canceled: true)));
        cache.Dispose();
        Assert.False(Directory.Exists(CacheFolder));
        Assert.Throws<OperationCanceledException>(() => KeptFile.Write(Path.Combine(_folder.Path, "half"), packed.Data, packed.Checksum(), new Pace(0, new CancellationToken(canceled: true))));
    }

    [Fact]
    public void Limit_LetsTheLongestUnusedGo()
    {
        MatrixView[] first = [_checkpoint.Layer(0).Output()], second = [_checkpoint.Layer(1).Output()];
        Pack(first, NumberType.Int8).Dispose();
        long bytes = new FileInfo(Kept[0]).Length;
        File.SetLastWriteTimeUtc(Kept[0], File.GetLastWriteTimeUtc(Kept[0]).AddHours(-1));
        var cache = new PackedCache(CacheFolder, "files", mostBytes: bytes + (bytes / 2));
        Pack(second, NumberType.Int8, cache).Dispose();
        Assert.Single(Kept);
        Assert.Null(cache.FindWeight(Context, first, WeightType.Int8));
        using PackedWeight? kept = cache.FindWeight(Context, second, WeightType.Int8);
        Assert.NotNull(kept);
    }

    private PackedCache Cache(string files = "files") => new(CacheFolder, files);

    private static async Task UntilSettledAsync(PackedCache cache)
    {
        for (int i = 0; i < 1000 && cache.UnsettledBytes > 0; i++)
            await Task.Delay(10, TestContext.Current.CancellationToken);
        Assert.Equal(0, cache.UnsettledBytes);
    }

    // With all that is left over, done.
    private PackedWeight Pack(MatrixView[] matrices, NumberType type, PackedCache? cache = null)
    {
        cache ??= Cache();
        PackedWeight packed = Context.Pack(matrices, type, cache);
        cache.Settle(new Pace(0, TestContext.Current.CancellationToken));
        return packed;
    }

    private PackedExperts Pack(ExpertMatrices[] experts)
    {
        PackedCache cache = Cache();
        PackedExperts packed = Context.PackExperts(experts, _checkpoint.Spec.Experts, _checkpoint.Spec.HiddenSize, WeightType.Int8, cache);
        cache.Settle(new Pace(0, TestContext.Current.CancellationToken));
        return packed;
    }

    private static byte[] Bytes(ReadOnlyMemoryBlock block)
    {
        var bytes = new List<byte>();
        block.ForEachSpan((_, span) => bytes.AddRange(span));
        return [.. bytes];
    }
}
