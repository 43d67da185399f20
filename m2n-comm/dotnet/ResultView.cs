using System.Runtime.InteropServices;
using MegaInfer.Engine;
using MegaInfer.Engine.Memory;

namespace MegaInfer.M2N;

/// <summary>
/// How one piece of a ticket ended, and where its result rows are; the layout of <c>m2n_result</c>. Valid until <see cref="M2NEndpoint.Release"/>.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public readonly unsafe struct ResultView
{
    private readonly void* _rows;
    private readonly uint _peer;
    private readonly M2NStatus _status;
    private readonly uint _pairs;
    private readonly uint _reserved;
    private readonly ulong _holdNs;
    private readonly ulong _computeNs;

    /// <summary>[pairs][result bytes] in the order of the piece's pairs; null unless <see cref="Status"/> is Ok.</summary>
    public DeviceAddress Rows => new((nint)_rows);

    /// <summary>The receiver this piece went to.</summary>
    public Rank Peer => new((int)_peer);

    public M2NStatus Status => _status;

    public int Pairs => (int)_pairs;

    /// <summary>Receiver's clock, nanoseconds: from seeing the piece to returning it.</summary>
    public long HoldNs => (long)_holdNs;

    /// <summary>Receiver's clock, nanoseconds: what it said its computation took.</summary>
    public long ComputeNs => (long)_computeNs;
}
