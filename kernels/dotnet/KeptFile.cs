using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MegaInfer.Kernels;

/// <summary>An open file of a <see cref="PackedCache"/>: a weight's bytes and then their checksum.</summary>
internal sealed class KeptFile : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly ulong _checksum;

    private KeptFile(string path)
    {
        _file = File.OpenHandle(path);
        try
        {
            Bytes = RandomAccess.GetLength(_file) - sizeof(ulong);
            Span<byte> checksum = stackalloc byte[sizeof(ulong)];
            if (Bytes <= 0 || RandomAccess.Read(_file, checksum, Bytes) != checksum.Length)
                throw new IOException($"{path} is too short to be a kept weight.");
            _checksum = Unsafe.ReadUnaligned<ulong>(ref checksum[0]);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Of the weight.</summary>
    public long Bytes { get; }

    public int Descriptor => (int)_file.DangerousGetHandle();

    /// <summary>Null if there is none.</summary>
    public static KeptFile? TryOpen(string path)
    {
        try
        {
            return File.Exists(path) ? new KeptFile(path) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Writes what <see cref="TryOpen"/> opens.</summary>
    /// <exception cref="OperationCanceledException">The file is not whole.</exception>
    public static void Write(string path, ReadOnlyMemoryBlock block, Pace pace)
    {
        var hash = new XxHash3();
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        block.ForEachSpan((_, span) =>
        {
            if (pace.IsOver)
                throw new OperationCanceledException();
            hash.Append(span);
            file.Write(span);
            pace.Rest();
        });
        file.Write(MemoryMarshal.AsBytes([hash.GetCurrentHashAsUInt64()]));
    }

    /// <summary>Whether a weight that was read from it is what was written.</summary>
    public bool Kept(ReadOnlyMemoryBlock block) => ChecksumOf(block) == _checksum;

    public void Dispose() => _file.Dispose();

    private static ulong ChecksumOf(ReadOnlyMemoryBlock block)
    {
        var hash = new XxHash3();
        block.ForEachSpan((_, span) => hash.Append(span));
        return hash.GetCurrentHashAsUInt64();
    }
}
