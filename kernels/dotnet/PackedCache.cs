using System.Globalization;
using System.IO.Hashing;
using System.Text;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels;

/// <summary>
/// Keeps packed weights on disk, so that the next start maps what it needs instead of reading all that is stored and packing it. A file for each weight, found by the checkpoint's files (path, size
/// and time), the tensors and the type, and believed only with its checksum. Only ever a shortcut: what cannot be read or written is as good as not there. Several processes may use one folder at once.
/// </summary>
/// <remarks>
/// What can wait until the weights are in use is done by <see cref="StartSettling"/> on a thread of its own. Dispose the cache before the weights that came through it. Weights are found and packed by
/// one thread.
/// </remarks>
public sealed class PackedCache : IDisposable
{
    /// <summary>Smaller models are packed sooner than a cache is worth.</summary>
    private const long LeastModelBytes = 64L << 20;

    /// <summary>Of all models together; the files that were not used for longest give way.</summary>
    private const long DefaultMostBytes = 96L << 30;

    /// <summary>Changes with MK_PACKED_LAYOUT, and with how codes are chosen or checksums taken.</summary>
    private const int Layout = 3;

    // A third of a core at most: decode loses little, and 60 GB are settled within minutes.
    private const double RestPerWork = 2;

    private readonly string _folder;
    private readonly string _files;
    private readonly long _mostBytes;
    private readonly Queue<(long Bytes, Action<Pace> Do)> _later = [];
    private readonly CancellationTokenSource _stopping = new();
    private Thread? _settling;
    private long _unsettledBytes;

    /// <param name="folder">Made when first needed.</param>
    /// <param name="files">Of the checkpoint, as <see cref="ModelDigest.FilesOf"/> tells them.</param>
    /// <param name="mostBytes">On disk.</param>
    public PackedCache(string folder, string files, long mostBytes = DefaultMostBytes)
    {
        _folder = folder;
        _files = files;
        _mostBytes = mostBytes;
    }

    /// <summary>The user's, beside what else this program keeps; null where there is no place for it, or the model is small.</summary>
    public static PackedCache? OfUser(Checkpoint checkpoint) =>
        DigestCache.UserFolder() is { } folder && checkpoint.FileBytes >= LeastModelBytes
            ? new PackedCache(Path.Combine(folder, "packed"), ModelDigest.FilesOf(checkpoint))
            : null;

    /// <summary>Of the weights that were found: memory that settling will take.</summary>
    public long MappedBytes { get; private set; }

    /// <summary>Of all that came through it, what is still to be written or moved. Any thread.</summary>
    public long UnsettledBytes => Interlocked.Read(ref _unsettledBytes);

    /// <summary>
    /// Once the weights are loaded: writes what was packed, and moves what is mapped to memory of its own (mk_weight_settle), with pauses that leave the cores to those who use the weights meanwhile.
    /// Returns at once.
    /// </summary>
    public void StartSettling()
    {
        if (_later.Count == 0 || _settling is not null)
            return;
        _settling = new Thread(() => Settle(new Pace(RestPerWork, _stopping.Token))) { Name = "weights settle", IsBackground = true };
        _settling.Start();
    }

    /// <summary>Stops settling; what is waited for is 16 MiB of it, or the checksum of one weight.</summary>
    public void Dispose()
    {
        _stopping.Cancel();
        _settling?.Join();
        _stopping.Dispose();
    }

    internal static bool Keeps(KernelContext context) => !context.IsDevice;

    internal unsafe PackedWeight? FindWeight(KernelContext context, IReadOnlyList<MatrixView> matrices, WeightType type)
    {
        string path = PathOf(matrices, type);
        using KeptFile? file = KeptFile.TryOpen(path);
        int rows = matrices.Sum(matrix => matrix.Rows), columns = matrices[0].Columns;
        nint address = 0;
        if (file is null || MkNative.mk_weight_restore(context.Handle, rows, columns, (int)type, file.Descriptor, (ulong)file.Bytes, &address) != MkStatus.Ok)
            return null;
        var weight = new PackedWeight(new PackedWeightHandle(context.Handle, address), rows, columns, type);
        return Believe(weight, file.Checksum == weight.Checksum(), path, weight.Bytes, weight.SettleNext);
    }

    internal unsafe PackedExperts? FindExperts(KernelContext context, IReadOnlyList<ExpertMatrices> experts, ExpertsShape shape)
    {
        string path = PathOf(Matrices(experts), shape.Type);
        using KeptFile? file = KeptFile.TryOpen(path);
        int hasGateBias = experts[0].GateBias is null ? 0 : 1, hasDownBias = experts[0].DownBias is null ? 0 : 1;
        nint address = 0;
        shape.Count = experts.Count;
        if (file is null || MkNative.mk_experts_restore(context.Handle, &shape, hasGateBias, hasDownBias, file.Descriptor, (ulong)file.Bytes, &address) != MkStatus.Ok)
            return null;
        var packed = new PackedExperts(new PackedExpertsHandle(context.Handle, address), shape);
        return Believe(packed, file.Checksum == packed.Checksum(), path, packed.Bytes, packed.SettleNext);
    }

    /// <summary>To be written when weights settle.</summary>
    internal void Store(IReadOnlyList<MatrixView> matrices, PackedWeight weight)
    {
        string path = PathOf(matrices, weight.Type);
        Leave(weight.Bytes, pace => Write(path, weight.Data, weight.Checksum(), pace));
    }

    /// <summary>As the other.</summary>
    internal void Store(IReadOnlyList<ExpertMatrices> experts, PackedExperts packed)
    {
        string path = PathOf(Matrices(experts), packed.Type);
        Leave(packed.Bytes, pace => Write(path, packed.Data, packed.Checksum(), pace));
    }

    /// <summary>What <see cref="StartSettling"/>'s thread does.</summary>
    internal void Settle(Pace pace)
    {
        while (!pace.IsOver && _later.TryDequeue(out (long Bytes, Action<Pace> Do) next))
        {
            next.Do(pace);
            Interlocked.Add(ref _unsettledBytes, -next.Bytes);
        }
    }

    private T? Believe<T>(T found, bool isSound, string path, long bytes, Func<bool> settleNext)
        where T : class, IDisposable
    {
        if (!isSound)
        {
            found.Dispose();
            return null;
        }

        WasUsed(path);
        MappedBytes += bytes;
        Leave(bytes, pace => Move(settleNext, pace));
        return found;
    }

    private static void Move(Func<bool> next, Pace pace)
    {
        while (!pace.IsOver && next())
            pace.Rest();
    }

    private void Leave(long bytes, Action<Pace> work)
    {
        _later.Enqueue((bytes, work));
        _unsettledBytes += bytes;
    }

    private static IEnumerable<MatrixView> Matrices(IReadOnlyList<ExpertMatrices> experts) =>
        experts.SelectMany(expert => new[] { expert.Gate, expert.Up, expert.Down });

    private string PathOf(IEnumerable<MatrixView> matrices, WeightType type)
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{Layout} {type}\n{_files}\n"));
        foreach (MatrixView matrix in matrices)
            text.Append(CultureInfo.InvariantCulture, $"{matrix.Tensor.Name} {matrix.Offset} {matrix.Rows} {matrix.Columns} {matrix.RowStride} {matrix.ColumnStride}\n");
        return Path.Combine(_folder, Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(text.ToString()))));
    }

    private void Write(string path, ReadOnlyMemoryBlock block, ulong checksum, Pace pace)
    {
        if (block.Bytes == 0)
            return;
        string draft = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}.{Environment.CurrentManagedThreadId}");
        try
        {
            Directory.CreateDirectory(_folder);
            if (!MakeRoom(block.Bytes))
                return;
            KeptFile.Write(draft, block, checksum, pace);
            File.Move(draft, path, overwrite: true); // whole or not at all, whoever else writes
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            TryDelete(draft);
        }
    }

    // Of the last use: file systems often keep none.
    private static void WasUsed(string path)
    {
        try
        {
            File.SetLastWriteTimeUtc(path, TimeProvider.System.GetUtcNow().UtcDateTime);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return; // it gives way sooner
        }
    }

    /// <summary>Lets go of what was not used for longest; false where the disk would be left with little.</summary>
    private bool MakeRoom(long bytes)
    {
        if (new DriveInfo(_folder).AvailableFreeSpace < 4 * bytes + (2L << 30) || bytes > _mostBytes)
            return false;
        FileInfo[] files = [.. new DirectoryInfo(_folder).EnumerateFiles().OrderBy(file => file.LastWriteTimeUtc)];
        long total = files.Sum(file => file.Length) + bytes;
        for (int i = 0; i < files.Length && total > _mostBytes; i++)
        {
            total -= files[i].Length;
            TryDelete(files[i].FullName);
        }

        return true;
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return;
        }
    }
}
