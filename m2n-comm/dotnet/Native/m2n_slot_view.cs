using System.Runtime.InteropServices;

namespace MegaInfer.M2N.Native;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct m2n_slot_view
{
    public void* rows;
    public uint* row_of_pair;
    public Group* groups;
}
