using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;

namespace MegaInfer.Kernels;

/// <summary>A file of a <see cref="PackedCache"/>, mapped: bytes and then their checksum, which has been compared.</summary>
internal sealed unsafe class KeptBytes : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    private KeptBytes(string path, long fileBytes)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _file.CreateViewAccessor(0, fileBytes, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Start = start + _view.PointerOffset;
        Bytes = fileBytes - sizeof(ulong);
    }

    public byte* Start { get; }

    public long Bytes { get; }

    /// <summary>Null if there is none, or it is not what was written.</summary>
    public static KeptBytes? TryOpen(string path)
    {
        try
        {
            var info = new FileInfo(path);
            if (!info.Exists || info.Length <= sizeof(ulong))
                return null;
            var kept = new KeptBytes(path, info.Length);
            if (ChecksumOf(new ReadOnlyMemoryBlock(kept.Start, kept.Bytes)) == Unsafe.ReadUnaligned<ulong>(kept.Start + kept.Bytes))
            {
                info.LastWriteTimeUtc = TimeProvider.System.GetUtcNow().UtcDateTime; // of the last use: file systems often keep none
                return kept;
            }

            kept.Dispose();
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static ulong ChecksumOf(ReadOnlyMemoryBlock block)
    {
        var hash = new XxHash3();
        block.ForEachSpan((_, span) => hash.Append(span));
        return hash.GetCurrentHashAsUInt64();
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }
}
