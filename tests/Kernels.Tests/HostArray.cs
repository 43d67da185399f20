using MegaInfer.Engine.Memory;

namespace MegaInfer.Kernels.Tests;

/// <summary>A device buffer that a test fills and reads as an array.</summary>
internal sealed class HostArray<T> : IDisposable
    where T : unmanaged
{
    private readonly DeviceBuffer _buffer;

    public unsafe HostArray(KernelContext context, ReadOnlySpan<T> values)
    {
        _buffer = context.Allocate((long)values.Length * sizeof(T));
        values.CopyTo(_buffer.HostSpan<T>());
    }

    public DeviceAddress Address => _buffer.Address;

    public Span<T> Span => _buffer.HostSpan<T>();

    public static implicit operator DeviceAddress(HostArray<T> array) => array.Address;

    public void Dispose() => _buffer.Dispose();
}
