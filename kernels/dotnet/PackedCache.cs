using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using MegaInfer.Engine.Checkpoints;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels;

/// <summary>
/// Keeps quantised weights on disk, so that the next start reads what it needs (a byte a weight, or half of one) instead of reading all that is stored and quantising it. A file for each
/// weight, found by the checkpoint's files (path, size and time), the tensors and the type, and believed only with its checksum. Only ever a shortcut: what cannot be read or written is as good as
/// not there. Several processes may use one folder at once.
/// </summary>
public sealed class PackedCache
{
    /// <summary>Smaller models are quantised sooner than a cache is worth.</summary>
    private const long LeastModelBytes = 64L << 20;

    /// <summary>Of all models together; the files that were not used for longest give way.</summary>
    private const long DefaultMostBytes = 96L << 30;

    /// <summary>Changes with MK_PACKED_LAYOUT, and with how codes are chosen.</summary>
    private const int Layout = 2;

    private readonly string _folder;
    private readonly string _files;
    private readonly long _mostBytes;

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

    internal static bool Keeps(KernelContext context, WeightType type) => !context.IsDevice && type is WeightType.Int8 or WeightType.Int4;

    internal unsafe PackedWeight? FindWeight(KernelContext context, IReadOnlyList<MatrixView> matrices, WeightType type)
    {
        using KeptBytes? kept = KeptBytes.TryOpen(PathOf(matrices, type));
        int rows = matrices.Sum(matrix => matrix.Rows), columns = matrices[0].Columns;
        nint weight = 0;
        return kept is not null && MkNative.mk_weight_restore(context.Handle, rows, columns, (int)type, kept.Start, (ulong)kept.Bytes, &weight) == MkStatus.Ok
            ? new PackedWeight(new PackedWeightHandle(context.Handle, weight), rows, columns, type)
            : null;
    }

    internal unsafe PackedExperts? FindExperts(KernelContext context, IReadOnlyList<ExpertMatrices> experts, ExpertsShape shape)
    {
        using KeptBytes? kept = KeptBytes.TryOpen(PathOf(Matrices(experts), shape.Type));
        int hasGateBias = experts[0].GateBias is null ? 0 : 1, hasDownBias = experts[0].DownBias is null ? 0 : 1;
        nint packed = 0;
        shape.Count = experts.Count;
        return kept is not null && MkNative.mk_experts_restore(context.Handle, &shape, hasGateBias, hasDownBias, kept.Start, (ulong)kept.Bytes, &packed) == MkStatus.Ok
            ? new PackedExperts(new PackedExpertsHandle(context.Handle, packed), shape)
            : null;
    }

    internal void Store(IReadOnlyList<MatrixView> matrices, PackedWeight weight) => Write(PathOf(matrices, weight.Type), weight.Data);

    internal void Store(IReadOnlyList<ExpertMatrices> experts, PackedExperts packed) => Write(PathOf(Matrices(experts), packed.Type), packed.Data);

    private static IEnumerable<MatrixView> Matrices(IReadOnlyList<ExpertMatrices> experts) =>
        experts.SelectMany(expert => new[] { expert.Gate, expert.Up, expert.Down });

    private string PathOf(IEnumerable<MatrixView> matrices, WeightType type)
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{Layout} {type}\n{_files}\n"));
        foreach (MatrixView matrix in matrices)
            text.Append(CultureInfo.InvariantCulture, $"{matrix.Tensor.Name} {matrix.Offset} {matrix.Rows} {matrix.Columns} {matrix.RowStride} {matrix.ColumnStride}\n");
        return Path.Combine(_folder, Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(text.ToString()))));
    }

    private void Write(string path, ReadOnlyMemoryBlock block)
    {
        if (block.Bytes == 0)
            return;
        string draft = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}.{Environment.CurrentManagedThreadId}");
        try
        {
            Directory.CreateDirectory(_folder);
            if (!MakeRoom(block.Bytes))
                return;
            ulong checksum = KeptBytes.ChecksumOf(block);
            using (var file = new FileStream(draft, FileMode.Create, FileAccess.Write))
            {
                block.ForEachSpan((_, span) => file.Write(span));
                file.Write(MemoryMarshal.AsBytes([checksum]));
            }

            File.Move(draft, path, overwrite: true); // whole or not at all, whoever else writes
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            TryDelete(draft);
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
