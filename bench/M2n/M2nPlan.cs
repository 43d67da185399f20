namespace MegaInfer.Bench.M2n;

/// <summary>What <c>bench m2n</c> measures: every case of ours beside its rivals, in the order in which they run.</summary>
internal static class M2nPlan
{
    private static readonly long[] Sizes = [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];
    private static readonly long[] RoundSizes = [64 << 10, 256 << 10];
    private static readonly int[] Squares = [2, 4, 8];
    private static readonly int[] Fans = [8, 16, 32];

    public static IEnumerable<M2nCase> All() =>
        [.. OneToOne(), .. Asleep(), .. Streams(), .. Crowded(), .. Fan(), .. BetweenHosts(), .. Limits()];

    /// <summary>A few cases of each kind, to see that everything runs.</summary>
    public static IEnumerable<M2nCase> Smoke() => All().Where(it => it.Program == "limits" || (it.Bytes is 4 << 10 or 256 << 10 && it.Members <= 4));

    // A core each.
    private static IEnumerable<M2nCase> OneToOne() => Sizes.SelectMany(bytes => (M2nCase[])
    [
        Ours(1, 1, bytes, "default", "pieces"), Ours(1, 1, bytes, "default", "slot"), Ours(1, 1, bytes, "default", "copied"), Ours(1, 1, bytes, "spin", "pieces"),
        new("ucx-put", "ucx", 1, 1, bytes, "spin", "put"),
        new("openmpi-p2p", "mpi", 1, 1, bytes, "spin", "p2p"),
        new("tcp", "tcp", 1, 1, bytes, "spin", "epoll"),
    ]);

    // Both sides sleep at once.
    private static IEnumerable<M2nCase> Asleep() => Sizes.SelectMany(bytes => (M2nCase[])
    [
        Ours(1, 1, bytes, "park", "pieces"), new("ucx-put", "ucx", 1, 1, bytes, "park", "bell"), new("tcp", "tcp", 1, 1, bytes, "park", "epoll"),
    ]);

    private static IEnumerable<M2nCase> Streams() =>
    [
        Ours(1, 1, 1 << 20, "default", "stream"),
        new("relay", "limits", 1, 1, 1 << 20, "spin", "relay"),
        new("ucx-put", "ucx", 1, 1, 1 << 20, "spin", "stream"),
        new("openmpi-p2p", "mpi", 1, 1, 1 << 20, "spin", "stream"),
    ];

    // More processes than cores, from 4x4 on here.
    private static IEnumerable<M2nCase> Crowded() =>
        from size in Squares
        from bytes in RoundSizes
        from it in (M2nCase[])
        [
            Ours(size, size, bytes, "default", "pieces"), Ours(size, size, bytes, "yield", "pieces"), Ours(size, size, bytes, "park", "pieces"),
            Ours(size, size, bytes, "default", "copied"),
            new("openmpi-p2p", "mpi", size, size, bytes, "yield", "p2p"),
            new("openmpi-alltoallv", "mpi", size, size, bytes, "yield", "alltoallv"),
            new("openmpi-neighbor", "mpi", size, size, bytes, "yield", "neighbor"),
            new("tcp", "tcp", size, size, bytes, "park", "epoll"),
        ]
        select it;

    // The paper's picture of general collectives: one sender, ever more receivers.
    private static IEnumerable<M2nCase> Fan() => Fans.SelectMany(receivers => (M2nCase[])
    [
        Ours(1, receivers, 64 << 10, "default", "pieces"),
        new("openmpi-p2p", "mpi", 1, receivers, 64 << 10, "yield", "p2p"),
        new("openmpi-alltoallv", "mpi", 1, receivers, 64 << 10, "yield", "alltoallv"),
    ]);

    private static IEnumerable<M2nCase> BetweenHosts() =>
        from bytes in Sizes
        from wait in (string[])["spin", "park"]
        from it in (M2nCase[])
        [
            new("megainfer-tcp", "m2n", 1, 1, bytes, wait, "slot", BetweenHosts: true), new("megainfer-ucx", "m2n", 1, 1, bytes, wait, "slot", BetweenHosts: true),
            new("tcp", "tcp", 1, 1, bytes, wait, "epoll", BetweenHosts: true),
        ]
        select it;

    private static IEnumerable<M2nCase> Limits() =>
        [.. Sizes.Select(bytes => new M2nCase("memcpy", "limits", 1, 1, bytes, "none", "memcpy")), new("futex", "limits", 1, 1, 4, "park", "futex"), new("line", "limits", 1, 1, 64, "spin", "line")];

    private static M2nCase Ours(int senders, int receivers, long bytes, string wait, string how) =>
        new("megainfer-shm", "m2n", senders, receivers, bytes, wait, how);
}
