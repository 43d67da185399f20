using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MegaInfer.M2N.Native;

[StructLayout(LayoutKind.Sequential)]
internal struct m2n_capabilities
{
    public M2NTransport transport;
    public uint available;
    public uint across_process;
    public uint across_host;
    public uint in_place;
    public uint memory_kinds;
    public uint death_notice_us;
    public uint needs_interface;
    public m2n_name name;

    [InlineArray(16)]
    internal struct m2n_name
    {
        private byte _first;
    }
}
