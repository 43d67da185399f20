using MegaInfer.Engine;

namespace MegaInfer.M2N;

/// <summary>
/// What an endpoint is made of. <see cref="Slots"/>, <see cref="MaxRows"/>, <see cref="MaxPairs"/>, <see cref="MaxGroups"/>, <see cref="RowBytes"/>
/// and <see cref="ResultBytes"/> must be equal on both sides of a pair; connecting is refused otherwise.
/// </summary>
public sealed record M2NOptions
{
    public const int SecretBytes = 16;

    /// <summary>An interface's name is shorter than this, as everywhere in Linux.</summary>
    public const int InterfaceBytes = 16;

    public required M2NTransport Transport { get; init; }

    public required M2NRole Role { get; init; }

    /// <summary>Among the endpoints of this role, from 0.</summary>
    public required Rank Rank { get; init; }

    /// <summary>Peers at one time, 1..256.</summary>
    public required int MaxPeers { get; init; }

    /// <summary>Slots per pair, 1..16: the most micro-batches in flight towards one peer.</summary>
    public required int Slots { get; init; }

    /// <summary>Rows a slot holds.</summary>
    public required int MaxRows { get; init; }

    /// <summary>(row, group) pairs a slot holds: rows times top-k at most.</summary>
    public required int MaxPairs { get; init; }

    /// <summary>Groups a slot holds: experts of a layer at most.</summary>
    public required int MaxGroups { get; init; }

    public required int RowBytes { get; init; }

    /// <summary>Bytes of one pair's result row.</summary>
    public required int ResultBytes { get; init; }

    /// <summary>Microseconds of pause-spinning before a wait yields; 0 for the default of 2.</summary>
    public int SpinUs { get; init; }

    /// <summary>Microseconds of yielding before a wait sleeps; 0 to follow the running mean of this endpoint's waits, at most 200.</summary>
    public int YieldUs { get; init; }

    /// <summary>The one network interface that all but <see cref="M2NTransport.Loopback"/> and <see cref="M2NTransport.Shm"/> use, on a trusted network.</summary>
    public string Interface { get; init; } = "";

    /// <summary>
    /// Null: rows lie in host memory. Else kernels of both peers work in what this gives, and have finished before a row is published. <see cref="M2NTransport.Loopback"/> only; both sides
    /// of a pair have one, or neither.
    /// </summary>
    public IRowMemory? RowMemory { get; init; }

    /// <summary>The cluster's secret, 16 bytes, equal on both sides of a pair.</summary>
    public ReadOnlyMemory<byte> Secret { get; init; } = new byte[SecretBytes];
}
