using System.Runtime.InteropServices;
using MegaInfer.Engine;

namespace MegaInfer.M2N;

/// <summary>What travels with every piece of a dispatch; the layout of <c>m2n_message</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct DispatchMessage
{
    private readonly uint _tag;
    private readonly uint _reserved;
    private readonly ulong _version;
    private readonly ulong _epoch;
    private readonly ulong _deadlineUs;

    /// <param name="tag">The layer, from 0.</param>
    /// <param name="version">The weights the micro-batch computes with.</param>
    /// <param name="epoch">The sender's view of membership.</param>
    /// <param name="deadlineUs">Microseconds from now after which a piece ends with <see cref="M2NStatus.Timeout"/>; 0 is invalid.</param>
    public DispatchMessage(int tag, WeightVersion version, ulong epoch, ulong deadlineUs)
    {
        _tag = (uint)tag;
        _reserved = 0;
        _version = (ulong)version.Value;
        _epoch = epoch;
        _deadlineUs = deadlineUs;
    }

    public int Tag => (int)_tag;

    public WeightVersion Version => new((long)_version);

    public ulong Epoch => _epoch;

    public ulong DeadlineUs => _deadlineUs;
}
