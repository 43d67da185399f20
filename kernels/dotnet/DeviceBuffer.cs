using System.Runtime.CompilerServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels;

/// <summary>
/// Zeroed, 64-byte aligned memory on a context's device, or of the host where the device reaches it. Keeps its context alive. Spans and addresses taken from it are valid until it is disposed;
/// keep it referenced while a call uses its address.
/// </summary>
public sealed class DeviceBuffer : IDisposable
{
    private readonly ContextChildHandle _handle;

    internal DeviceBuffer(ContextChildHandle handle, long bytes)
    {
        _handle = handle;
        Bytes = bytes;
    }

    public long Bytes { get; }

    /// <summary>Throws <see cref="ObjectDisposedException"/> after disposal.</summary>
    public DeviceAddress Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
            return _handle.Address;
        }
    }

    /// <summary>The whole buffer as elements of <typeparamref name="T"/>, on a CPU context or of <see cref="KernelContext.AllocateShared"/>. At most 2^31-1 elements.</summary>
    public Span<T> HostSpan<T>()
        where T : unmanaged => Address.HostSpan<T>(checked((int)(Bytes / Unsafe.SizeOf<T>())));

    public void Dispose() => _handle.Dispose();
}
