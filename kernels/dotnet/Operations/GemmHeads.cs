using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="GemmHeadsOperation.GemmHeads"/>; mirrors mk_gemm_heads_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GemmHeadsArgs
{
    /// <summary>[rows, heads, in_features], row stride in_stride, head stride in_head_stride.</summary>
    public DeviceAddress In;

    // Set by the call from its own argument, which also keeps the handle alive.
    internal DeviceAddress Weights;

    /// <summary>[rows, heads, out_features], row stride out_stride, head stride out_head_stride; not overlapping in.</summary>
    public DeviceAddress Out;
    public int Rows;

    // As many as there are weights.
    internal int Heads;
    public int InStride;
    public int InHeadStride;
    public int OutStride;
    public int OutHeadStride;
}

/// <summary>Each head of a row by its own weight: out[r, h] = in[r, h] x weights[h]^T.</summary>
public static unsafe class GemmHeadsOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void GemmHeads(this KernelContext context, PackedHeads weights, in GemmHeadsArgs args)
    {
        bool held = false;
        try
        {
            weights.Handle.DangerousAddRef(ref held);
            GemmHeadsArgs native = args;
            native.Weights = weights.Handle.Address;
            native.Heads = weights.Count;
            NativeCall.Check(MkNative.mk_gemm_heads(context.Handle, 0, &native), nameof(MkNative.mk_gemm_heads));
        }
        finally
        {
            if (held)
                weights.Handle.DangerousRelease();
        }
    }
}
