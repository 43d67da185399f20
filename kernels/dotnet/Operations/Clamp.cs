using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="ClampOperation.Clamp"/>; mirrors mk_clamp_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ClampArgs
{
    /// <summary>[rows, width], row stride `stride`; in place.</summary>
    public DeviceAddress RowsData;
    public int Rows;
    public int Width;
    public int Stride;

    /// <summary>Positive.</summary>
    public float Limit;
}

/// <summary>Each element is brought within -limit..limit, in place.</summary>
public static unsafe class ClampOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void Clamp(this KernelContext context, in ClampArgs args)
    {
        fixed (ClampArgs* native = &args)
            NativeCall.Check(MkNative.mk_clamp(context.Handle, 0, native), nameof(MkNative.mk_clamp));
    }
}
