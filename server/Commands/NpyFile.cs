using System.Text;
using MegaInfer.Engine;

namespace MegaInfer.Server.Commands;

/// <summary>
/// A float32 matrix in NumPy's format 1.0, little-endian, row after row. It is written beside its name and takes it when complete, so that a file of that name is
/// never half a matrix.
/// </summary>
internal sealed class NpyFile : IDisposable
{
    private const int Alignment = 64;
    private static readonly byte[] Magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0];

    private readonly string _path;
    private readonly string _partPath;
    private readonly FileStream _stream;
    private readonly long _dataBytes;
    private long _written;

    /// <exception cref="MegaInferException">The file cannot be written.</exception>
    public NpyFile(string path, int rows, int columns)
    {
        _path = path;
        _partPath = path + ".part";
        _dataBytes = (long)rows * columns * sizeof(float);
        try
        {
            _stream = File.Create(_partPath);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(error);
        }

        _stream.Write(Header(rows, columns));
    }

    public void Append(ReadOnlySpan<byte> data)
    {
        _stream.Write(data);
        _written += data.Length;
    }

    /// <exception cref="MegaInferException">Less or more was appended than the shape says, or the file cannot take its name.</exception>
    public void Complete()
    {
        if (_written != _dataBytes)
            throw new MegaInferException($"{_written} of {_dataBytes} bytes of logits came; the nodes and the server are not of one release.");
        try
        {
            _stream.Dispose();
            File.Move(_partPath, _path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(error);
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        File.Delete(_partPath);
    }

    private MegaInferException Unwritable(Exception error) => new($"{_path} cannot be written: {error.Message}", error);

    // Magic, version, length of the text (16 bits), text padded with spaces to a multiple of 64 and ended by a new line.
    private static byte[] Header(int rows, int columns)
    {
        string text = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}";
        int unpadded = Magic.Length + sizeof(ushort) + text.Length + 1;
        int total = (unpadded + Alignment - 1) / Alignment * Alignment;
        string padded = text.PadRight(text.Length + total - unpadded) + "\n";
        return [.. Magic, (byte)(padded.Length & 0xFF), (byte)(padded.Length >> 8), .. Encoding.ASCII.GetBytes(padded)];
    }
}
