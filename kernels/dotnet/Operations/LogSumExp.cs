using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="LogSumExpOperation.LogSumExp"/>; mirrors mk_log_sum_exp_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct LogSumExpArgs
{
    /// <summary>[rows, vocabulary], row stride `stride`.</summary>
    public DeviceAddress Logits;

    /// <summary>[rows].</summary>
    public DeviceAddress Maximum;

    /// <summary>[rows]: log(sum(exp(logit))) in double, ascending order: log-probability = logit - log_sum_exp.</summary>
    public DeviceAddress LogSumExp;

    /// <summary>[rows] int, or null: the lowest index of a logit that equals the maximum; -1 where the log-sum-exp is no number.</summary>
    public DeviceAddress Best;
    public int Rows;
    public int Vocabulary;
    public int Stride;
    internal int Reserved;
}

/// <summary>log(sum(exp(logit))) of each row, in double: log-probability = logit - log_sum_exp.</summary>
public static unsafe class LogSumExpOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void LogSumExp(this KernelContext context, in LogSumExpArgs args)
    {
        fixed (LogSumExpArgs* native = &args)
            NativeCall.Check(MkNative.mk_log_sum_exp(context.Handle, 0, native), nameof(MkNative.mk_log_sum_exp));
    }
}
