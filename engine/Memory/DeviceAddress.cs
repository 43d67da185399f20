namespace MegaInfer.Engine.Memory;

/// <summary>
/// A place in a device's memory: what kernels read and write and what M2N slots are. On a CPU device it is a host address. Plain value without
/// ownership; valid as long as the buffer, slot or mapping it was taken from.
/// </summary>
public readonly record struct DeviceAddress(nint Value)
{
    public static DeviceAddress Null => default;

    public bool IsNull => Value == 0;

    /// <summary>The address <paramref name="bytes"/> further on.</summary>
    public DeviceAddress Plus(long bytes) => new(checked(Value + (nint)bytes));

    /// <summary>
    /// The memory as a span, for host memory only. The caller vouches for the element count; the span must not outlive the owner of the memory.
    /// </summary>
    public unsafe Span<T> HostSpan<T>(int count)
        where T : unmanaged => new((void*)Value, count);
}
