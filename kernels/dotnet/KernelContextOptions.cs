namespace MegaInfer.Kernels;

/// <summary>What a context is made of. The defaults suit a process that has the machine to itself.</summary>
public sealed class KernelContextOptions
{
    /// <summary>A backend this machine lacks makes <see cref="KernelContext.Create"/> throw; there is no silent fallback.</summary>
    public KernelBackend Backend { get; init; } = KernelBackend.Auto;

    public int DeviceIndex { get; init; }

    /// <summary>Threads that compute, the calling one included. 0: one per core of <see cref="Cores"/>.</summary>
    public int ThreadCount { get; init; }

    /// <summary>
    /// Cores (0..255) that the context's own threads are confined to; empty: the process' own set. The calling thread is confined as well, by
    /// <see cref="KernelContext.PinCallingThread"/> and only by it.
    /// </summary>
    public IReadOnlyList<int> Cores { get; init; } = [];

    /// <summary>How long an idle thread spins and yields before it sleeps; zero: the library's default (about 0.2 ms).</summary>
    public TimeSpan IdleSpin { get; init; }
}
