using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="RopeOperation.Rope"/>; mirrors mk_rope_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct RopeArgs
{
    /// <summary>[rows, heads, head_dim], row stride `stride`; rotated in place.</summary>
    public DeviceAddress RowsData;

    /// <summary>[rows], 0-based.</summary>
    public DeviceAddress Positions;

    /// <summary>[context, rotary_dim]: cos then sin of each position's rotary_dim/2 angles, made by the caller.</summary>
    public DeviceAddress CosineSine;
    public int Rows;
    public int Heads;
    public int HeadDim;

    /// <summary>Even; the first rotary_dim of each head rotate.</summary>
    public int RotaryDim;
    public int Stride;

    /// <summary>Positions are below it (checked).</summary>
    public int Context;
    public RopePairing Pairing;
}

/// <summary>Rotates each head of each row in place by its position.</summary>
public static unsafe class RopeOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void Rope(this KernelContext context, in RopeArgs args)
    {
        fixed (RopeArgs* native = &args)
            NativeCall.Check(MkNative.mk_rope(context.Handle, 0, native), nameof(MkNative.mk_rope));
    }
}
