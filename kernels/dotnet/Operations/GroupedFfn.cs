using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="GroupedFfnOperation.GroupedFfn"/>; mirrors mk_grouped_ffn_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GroupedFfnArgs
{
    // Set by the call from its own argument, which also keeps the handle alive.
    internal DeviceAddress Experts;

    /// <summary>[local experts + 1]: pairs of local expert i are offsets[i] .. offsets[i+1]-1; offsets[0] = 0.</summary>
    public DeviceAddress Offsets;

    /// <summary>[pairs] -&gt; that pair's input row [hidden].</summary>
    public DeviceAddress RowOfPair;

    /// <summary>[pairs] -&gt; where its result row [hidden] goes; distinct, not overlapping any input.</summary>
    public DeviceAddress OutOfPair;
    public int Pairs;
    internal int Reserved;
}

/// <summary>
/// For each (row, expert) pair: down(activation(gate(row) + gate_bias, up(row) + up_bias)) + down_bias, unweighted, fp32. Each expert's weights are
/// streamed once per call.
/// </summary>
public static unsafe class GroupedFfnOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void GroupedFfn(this KernelContext context, PackedExperts experts, in GroupedFfnArgs args)
    {
        bool held = false;
        try
        {
            experts.Handle.DangerousAddRef(ref held);
            GroupedFfnArgs native = args;
            native.Experts = experts.Handle.Address;
            NativeCall.Check(MkNative.mk_grouped_ffn(context.Handle, 0, &native), nameof(MkNative.mk_grouped_ffn));
        }
        finally
        {
            if (held)
                experts.Handle.DangerousRelease();
        }
    }
}
