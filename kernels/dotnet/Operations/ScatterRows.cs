using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="ScatterRowsOperation.ScatterRows"/>; mirrors mk_scatter_rows_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ScatterRowsArgs
{
    /// <summary>[.., hidden], row stride in_stride.</summary>
    public DeviceAddress In;

    /// <summary>[rows]: which row of in.</summary>
    public DeviceAddress RowIndex;

    /// <summary>[rows, hidden] contiguous: usually a peer's M2N slot, so rows are produced in place.</summary>
    public DeviceAddress Out;
    public int Rows;
    public int Hidden;
    public int InStride;
}

/// <summary>Copies the named rows to where they leave from, usually a peer's M2N slot.</summary>
public static unsafe class ScatterRowsOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void ScatterRows(this KernelContext context, in ScatterRowsArgs args)
    {
        fixed (ScatterRowsArgs* native = &args)
            NativeCall.Check(MkNative.mk_scatter_rows(context.Handle, 0, native), nameof(MkNative.mk_scatter_rows));
    }
}
