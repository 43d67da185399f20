using System.IO.MemoryMappedFiles;
using MegaInfer.Engine.Memory;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// A read-only file whose parts are mapped one by one, so that a process holds only the pages of the tensors it reads, and gives them back when it has
/// packed them. Any thread may call.
/// </summary>
internal sealed class MappedFile : IDisposable
{
    private readonly Lock _lock = new();
    private readonly FileStream _stream;
    private readonly Dictionary<DeviceAddress, MemoryMappedViewAccessor> _views = [];
    private MemoryMappedFile? _file;
    private bool _isDisposed;

    /// <exception cref="CheckpointException">The file is missing or unreadable.</exception>
    public MappedFile(string path)
    {
        Path = path;
        try
        {
            _stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            Length = _stream.Length;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path} cannot be read: {exception.Message}", exception);
        }
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>Fills <paramref name="destination"/> from <paramref name="offset"/> on, without mapping. The range must lie inside the file.</summary>
    /// <exception cref="CheckpointException">The file has become shorter, or the disk failed.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        try
        {
            while (!destination.IsEmpty)
            {
                int count = RandomAccess.Read(_stream.SafeFileHandle, destination, offset);
                if (count == 0)
                    throw new CheckpointException($"{Path} became shorter while it was read; copy it again.");
                offset += count;
                destination = destination[count..];
            }
        }
        catch (IOException exception)
        {
            throw new CheckpointException($"{Path} cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>Maps a range; the address is valid until <see cref="Unmap"/> or disposal.</summary>
    public unsafe DeviceAddress Map(long offset, long bytes)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _file ??= MemoryMappedFile.CreateFromFile(_stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            MemoryMappedViewAccessor view = _file.CreateViewAccessor(offset, bytes, MemoryMappedFileAccess.Read);
            byte* start = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            // Views begin at a page; PointerOffset is where the asked-for range begins inside it.
            var address = new DeviceAddress((nint)(start + view.PointerOffset));
            _views.Add(address, view);
            return address;
        }
    }

    /// <summary>Gives the pages of a range back.</summary>
    public void Unmap(DeviceAddress address)
    {
        lock (_lock)
        {
            if (_views.Remove(address, out MemoryMappedViewAccessor? view))
                Close(view);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            foreach (MemoryMappedViewAccessor view in _views.Values)
                Close(view);
            _views.Clear();
            _file?.Dispose();
            _stream.Dispose();
        }
    }

    private static void Close(MemoryMappedViewAccessor view)
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
    }
}
