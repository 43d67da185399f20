using System.Runtime.InteropServices;

namespace MegaInfer.Kernels.Native;

/// <summary>mk_context_config.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MkContextConfig
{
    public const int MaskWords = 4;

    public uint StructBytes;
    public int Backend;
    public int DeviceIndex;
    public int ThreadCount;
    public unsafe fixed ulong CoreMask[MaskWords];
    public uint SpinUs;
    public uint Reserved;
}
