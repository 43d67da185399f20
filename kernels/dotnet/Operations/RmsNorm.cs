using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="RmsNormOperation.RmsNorm"/>; mirrors mk_rmsnorm_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct RmsNormArgs
{
    /// <summary>[rows, groups, width]; row stride in_stride, groups contiguous.</summary>
    public DeviceAddress In;

    /// <summary>[width].</summary>
    public DeviceAddress Weight;

    /// <summary>Like in, row stride out_stride; may equal in.</summary>
    public DeviceAddress Out;
    public int Rows;

    /// <summary>1 for a hidden row; the head count for a norm per head.</summary>
    public int Groups;
    public int Width;
    public int InStride;
    public int OutStride;
    public float Epsilon;
}

/// <summary>out = in * (1 / sqrt(mean(in^2) + epsilon)) * weight, for each row and each group of a row.</summary>
public static unsafe class RmsNormOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void RmsNorm(this KernelContext context, in RmsNormArgs args)
    {
        fixed (RmsNormArgs* native = &args)
            NativeCall.Check(MkNative.mk_rmsnorm(context.Handle, 0, native), nameof(MkNative.mk_rmsnorm));
    }
}
