using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="EmbedOperation.Embed"/>; mirrors mk_embed_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EmbedArgs
{
    /// <summary>[vocabulary, hidden] of table_dtype.</summary>
    public DeviceAddress Table;

    /// <summary>[rows], each in 0..vocabulary-1 (checked).</summary>
    public DeviceAddress Ids;

    /// <summary>[rows, hidden], rows contiguous.</summary>
    public DeviceAddress Out;
    public WeightType TableType;
    public int Vocabulary;
    public int Rows;
    public int Hidden;
}

/// <summary>out[r] = table[ids[r]], widened to fp32. An id outside the vocabulary throws and writes nothing.</summary>
public static unsafe class EmbedOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void Embed(this KernelContext context, in EmbedArgs args)
    {
        fixed (EmbedArgs* native = &args)
            NativeCall.Check(MkNative.mk_embed(context.Handle, 0, native), nameof(MkNative.mk_embed));
    }
}
