using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="LayerNormOperation.LayerNorm"/>; mirrors mk_layernorm_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct LayerNormArgs
{
    /// <summary>[rows, width], row stride in_stride.</summary>
    public DeviceAddress In;

    /// <summary>[width].</summary>
    public DeviceAddress Weight;

    /// <summary>[rows, width], row stride out_stride; may equal in.</summary>
    public DeviceAddress Out;
    public int Rows;
    public int Width;
    public int InStride;
    public int OutStride;
    public float Epsilon;
}

/// <summary>With x = in - mean(in): out = x * (1 / sqrt(mean(x^2) + epsilon)) * weight, for each row.</summary>
public static unsafe class LayerNormOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void LayerNorm(this KernelContext context, in LayerNormArgs args)
    {
        fixed (LayerNormArgs* native = &args)
            NativeCall.Check(MkNative.mk_layernorm(context.Handle, 0, native), nameof(MkNative.mk_layernorm));
    }
}
