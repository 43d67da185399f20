using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;

namespace MegaInfer.M2N.Tests;

/// <summary>Stands for a device's memory and knows what is given out.</summary>
internal sealed class CountedMemory : IRowMemory
{
    private readonly Dictionary<nint, long> _given = [];

    public bool IsFull { get; init; }

    public int Living => _given.Count;

    public unsafe IDisposable Allocate(long bytes, out DeviceAddress address)
    {
        if (IsFull)
            throw new InvalidOperationException("full");
        nint memory = (nint)NativeMemory.AllocZeroed((nuint)bytes);
        _given.Add(memory, bytes);
        address = new DeviceAddress(memory);
        return new Owner(this, memory);
    }

    /// <summary>It is of this process.</summary>
    public int Share(DeviceAddress address) => -1;

    public IDisposable Map(int descriptor, long bytes, out DeviceAddress address) => throw new NotSupportedException("it is never shared");

    public bool Holds(DeviceAddress address) => _given.Any(given => address.Value >= given.Key && address.Value < given.Key + given.Value);

    private sealed class Owner(CountedMemory memory, nint address) : IDisposable
    {
        public unsafe void Dispose()
        {
            memory._given.Remove(address);
            NativeMemory.Free((void*)address);
        }
    }
}
