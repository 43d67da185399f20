using System.Runtime.InteropServices;

namespace MegaInfer.M2N.Native;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct m2n_batch
{
    public m2n_piece* pieces;
    public uint count;
    public uint tag;
    public ulong version;
    public ulong gather_ns;
}
