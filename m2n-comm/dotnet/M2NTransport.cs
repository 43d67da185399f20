namespace MegaInfer.M2N;

/// <summary>How rows move between two endpoints.</summary>
public enum M2NTransport
{
    /// <summary>Between endpoints of one process: tests and simulation.</summary>
    Loopback = 0,

    /// <summary>Between processes of one host and one user, through shared memory.</summary>
    Shm = 1,

    /// <summary>Between hosts, over UCX: the one for RDMA.</summary>
    Ucx = 2,

    /// <summary>Each pair by itself: <see cref="Shm"/> on one host, <see cref="Tcp"/> between two.</summary>
    Auto = 3,

    /// <summary>Between hosts, over plain TCP sockets.</summary>
    Tcp = 4,

    /// <summary>As <see cref="Auto"/>, with <see cref="Ucx"/> between two hosts.</summary>
    AutoUcx = 5,
}
