using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="CombineOperation.Combine"/>; mirrors mk_combine_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CombineArgs
{
    /// <summary>[rows * top_k]: the expert's row for (row, k), k in ascending expert index.</summary>
    public DeviceAddress ResultOfPair;

    /// <summary>[rows, top_k].</summary>
    public DeviceAddress Weights;

    /// <summary>[rows, hidden] contiguous: the rows of an expert that every row visits, added last; or NULL.</summary>
    public DeviceAddress Shared;

    /// <summary>[rows]: the shared row's weight is 1 / (1 + exp(-logit)); NULL: 1.</summary>
    public DeviceAddress SharedLogits;

    /// <summary>[rows, hidden], row stride `stride`; added to in place.</summary>
    public DeviceAddress Residual;
    public int Rows;
    public int Hidden;

    /// <summary>0 only with shared.</summary>
    public int TopK;
    public int Stride;
}

/// <summary>residual += sum over k ascending of weights[k] * result[k], then the shared row times its weight: the experts' rows come home.</summary>
public static unsafe class CombineOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void Combine(this KernelContext context, in CombineArgs args)
    {
        fixed (CombineArgs* native = &args)
            NativeCall.Check(MkNative.mk_combine(context.Handle, 0, native), nameof(MkNative.mk_combine));
    }
}
