using System.Runtime.InteropServices;

namespace MegaInfer.M2N.Native;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct m2n_piece
{
    public void* rows;
    public void* results;
    public uint* row_of_pair;
    public Group* groups;
    public uint rows_count;
    public uint pairs;
    public uint groups_count;
    public uint peer;
    public uint slot;
    public uint reserved;
    public ulong epoch;
    public ulong token;
}
