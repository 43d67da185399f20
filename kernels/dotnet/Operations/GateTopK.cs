using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="GateTopKOperation.GateTopK"/>; mirrors mk_gate_topk_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GateTopKArgs
{
    /// <summary>[rows, experts] from mk_gemm with the router's weight.</summary>
    public DeviceAddress Logits;

    /// <summary>[experts] added for selection only, or NULL.</summary>
    public DeviceAddress Correction;

    /// <summary>[rows, top_k], ascending expert index within a row.</summary>
    public DeviceAddress ExpertsOut;

    /// <summary>[rows, top_k], in the same order.</summary>
    public DeviceAddress WeightsOut;
    public int Rows;
    public int Experts;

    /// <summary>1..experts, at most 64.</summary>
    public int TopK;

    public RouterScore RouterKind;

    /// <summary>1: chosen weights divided by their sum (softmax first over all experts).</summary>
    public int Normalize;

    /// <summary>1, or group-limited selection: a divisor of experts; neighbours form a group.</summary>
    public int Groups;

    /// <summary>1..groups; that many groups hold at least top_k experts.</summary>
    public int TopGroups;

    /// <summary>Multiplies the weights at the end; 1 for most models.</summary>
    public float Scaling;

    /// <summary>Read where groups > 1.</summary>
    public GroupScore GroupScore;
}

/// <summary>Router logits to the chosen experts and their weights, in ascending expert index within a row; ties go to the lower index.</summary>
public static unsafe class GateTopKOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void GateTopK(this KernelContext context, in GateTopKArgs args)
    {
        fixed (GateTopKArgs* native = &args)
            NativeCall.Check(MkNative.mk_gate_topk(context.Handle, 0, native), nameof(MkNative.mk_gate_topk));
    }
}
