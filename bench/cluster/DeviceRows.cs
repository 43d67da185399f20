using MegaInfer.Engine.Memory;
using MegaInfer.Kernels;
using MegaInfer.M2N;

namespace MegaInfer.Bench.Cluster;

/// <summary>Rows of nodes that share a GPU, in its memory: kernels of both write and read them in place.</summary>
internal sealed class DeviceRows(KernelContext context) : IRowMemory
{
    public IDisposable Allocate(long bytes, out DeviceAddress address)
    {
        DeviceBuffer buffer = context.Allocate(bytes);
        address = buffer.Address;
        return buffer;
    }
}
