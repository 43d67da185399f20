namespace MegaInfer.Bench.M2n;

/// <summary>
/// One measurement of <c>bench m2n</c>. Rounds (dispatch and combine) of 1x1 are halved to one way; the pattern "stream" is one way with four messages in
/// flight, and only its bandwidth means something.
/// </summary>
internal sealed record M2nRow
{
    /// <summary>megainfer-shm, megainfer-tcp, megainfer-ucx, openmpi-p2p, openmpi-alltoallv, openmpi-neighbor, ucx-put, tcp, relay, memcpy, futex or line.</summary>
    public required string Engine { get; init; }

    /// <summary>Senders x receivers, or stream.</summary>
    public required string Pattern { get; init; }

    /// <summary>Of one message: what one sender has for one receiver.</summary>
    public required long Bytes { get; init; }

    /// <summary>spin, yield, park or default.</summary>
    public required string Wait { get; init; }

    /// <summary>How our rows come to be: pieces, slot or copied; for others what is theirs.</summary>
    public required string How { get; init; }

    /// <summary>Between two network namespaces, not on one host.</summary>
    public bool BetweenHosts { get; init; }

    public required double P50Us { get; init; }

    public required double P99Us { get; init; }

    public required double GbPerS { get; init; }
}
