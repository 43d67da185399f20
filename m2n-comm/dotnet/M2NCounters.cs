using System.Runtime.InteropServices;

namespace MegaInfer.M2N;

/// <summary>What an endpoint has done since it was opened; the layout of <c>m2n_counters</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct M2NCounters
{
    private readonly ulong _messages;
    private readonly ulong _bytes;
    private readonly ulong _sleeps;
    private readonly ulong _waits;
    private readonly ulong _invalid;
    private readonly ulong _gathered;
    private readonly uint _peers;
    private readonly uint _reserved;

    /// <summary>Pieces sent or received.</summary>
    public long Messages => (long)_messages;

    public long Bytes => (long)_bytes;

    /// <summary>Waits that went to sleep.</summary>
    public long Sleeps => (long)_sleeps;

    public long Waits => (long)_waits;

    /// <summary>Pieces refused because they failed a check.</summary>
    public long Invalid => (long)_invalid;

    /// <summary>Batches with more than one piece.</summary>
    public long Gathered => (long)_gathered;

    /// <summary>Peers connected now.</summary>
    public int Peers => (int)_peers;
}
