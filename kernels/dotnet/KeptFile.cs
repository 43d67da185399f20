using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MegaInfer.Kernels;

/// <summary>An open file of a <see cref="PackedCache"/>: a weight's bytes and then their checksum.</summary>
internal sealed class KeptFile : IDisposable
{
    private readonly SafeFileHandle _file;

    private KeptFile(string path)
    {
        _file = File.OpenHandle(path);
        try
        {
            Bytes = RandomAccess.GetLength(_file) - sizeof(ulong);
            Span<byte> checksum = stackalloc byte[sizeof(ulong)];
            if (Bytes <= 0 || RandomAccess.Read(_file, checksum, Bytes) != checksum.Length)
                throw new IOException($"{path} is too short to be a kept weight.");
            Checksum = Unsafe.ReadUnaligned<ulong>(ref checksum[0]);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Of the weight.</summary>
    public long Bytes { get; }

    /// <summary>What a weight that was read from it should have.</summary>
    public ulong Checksum { get; }

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
    public static void Write(string path, ReadOnlyMemoryBlock block, ulong checksum, Pace pace)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        block.ForEachSpan((_, span) =>
        {
            if (pace.IsOver)
                throw new OperationCanceledException();
            file.Write(span);
            pace.Rest();
        });
        file.Write(MemoryMarshal.AsBytes([checksum]));
    }

    public void Dispose() => _file.Dispose();
}
