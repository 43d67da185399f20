using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="GemmOperation.Gemm"/>; mirrors mk_gemm_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GemmArgs
{
    /// <summary>[rows, columns of the weight].</summary>
    public DeviceAddress In;

    // Set by the call from its own argument, which also keeps the handle alive.
    internal DeviceAddress Weight;

    /// <summary>[out_features] or NULL.</summary>
    public DeviceAddress Bias;

    /// <summary>[rows, out_features] or NULL; may equal out.</summary>
    public DeviceAddress Residual;

    /// <summary>[rows, out_features].</summary>
    public DeviceAddress Out;
    public int Rows;
    public int InStride;
    public int ResidualStride;
    public int OutStride;
}

/// <summary>out = in x weight^T, then + bias, then + residual. Also the LM head.</summary>
public static unsafe class GemmOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void Gemm(this KernelContext context, PackedWeight weight, in GemmArgs args)
    {
        bool held = false;
        try
        {
            weight.Handle.DangerousAddRef(ref held);
            GemmArgs native = args;
            native.Weight = weight.Handle.Address;
            NativeCall.Check(MkNative.mk_gemm(context.Handle, 0, &native), nameof(MkNative.mk_gemm));
        }
        finally
        {
            if (held)
                weight.Handle.DangerousRelease();
        }
    }
}
