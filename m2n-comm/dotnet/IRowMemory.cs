using MegaInfer.Engine.Memory;

namespace MegaInfer.M2N;

/// <summary>Where the rows and results of an endpoint's pairs lie, if not in shared memory of the host: on a GPU, say.</summary>
public interface IRowMemory
{
    /// <summary>Memory for one pair, on the endpoint's thread, when a sender connects. Its owner is disposed when both peers have let go of it, on any thread.</summary>
    IDisposable Allocate(long bytes, out DeviceAddress address);
}
