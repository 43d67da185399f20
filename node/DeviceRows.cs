using MegaInfer.Engine.Memory;
using MegaInfer.Kernels;
using MegaInfer.M2N;

namespace MegaInfer.Node;

/// <summary>Rows in memory of the nodes' devices: kernels of both peers write and read them in place, in one process or, over shared memory, in two.</summary>
/// <param name="context">Of the endpoint's node; it must outlive the endpoint.</param>
/// <param name="isBetweenProcesses">The peers are other processes.</param>
public sealed class DeviceRows(KernelContext context, bool isBetweenProcesses) : IRowMemory
{
    public IDisposable Allocate(long bytes, out DeviceAddress address) =>
        Owner(isBetweenProcesses ? context.AllocateExportable(bytes) : context.Allocate(bytes), out address);

    public int Share(DeviceAddress address) => context.OpenExportable(address);

    public IDisposable Map(int descriptor, long bytes, out DeviceAddress address) => Owner(context.MapExportable(descriptor, bytes), out address);

    private static DeviceBuffer Owner(DeviceBuffer buffer, out DeviceAddress address)
    {
        address = buffer.Address;
        return buffer;
    }
}
