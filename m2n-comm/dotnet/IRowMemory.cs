using MegaInfer.Engine.Memory;

namespace MegaInfer.M2N;

/// <summary>Where the rows and results of an endpoint's pairs lie, if not in shared memory of the host: on a GPU, say. Called on the endpoint's thread.</summary>
public interface IRowMemory
{
    /// <summary>A sender's memory for one pair. Its owner is disposed, on any thread, when both peers have let go of it, or, between processes, when this side has.</summary>
    IDisposable Allocate(long bytes, out DeviceAddress address);

    /// <summary>Between processes: a descriptor of what <see cref="Allocate"/> gave, which the library closes.</summary>
    int Share(DeviceAddress address);

    /// <summary>Between processes: the memory behind a sender's descriptor, which stays the library's and may be of anything. It must outlive the sender's process.</summary>
    IDisposable Map(int descriptor, long bytes, out DeviceAddress address);
}
