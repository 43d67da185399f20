using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="KvWriteOperation.KvWrite"/>; mirrors mk_kv_write_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct KvWriteArgs
{
    /// <summary>[rows, kv_heads, head_dim], row stride `stride` (normed and rotated).</summary>
    public DeviceAddress Keys;

    /// <summary>[rows, kv_heads, head_dim], row stride `stride`; NULL for a latent cache.</summary>
    public DeviceAddress Values;

    /// <summary>This layer's blocks: [block_count] x mk_kv_block_bytes.</summary>
    public DeviceAddress Cache;

    /// <summary>[sequences, block_table_stride]: block index of each 16 positions.</summary>
    public DeviceAddress BlockTables;

    /// <summary>[rows] -&gt; row of block_tables.</summary>
    public DeviceAddress SequenceOfRow;

    /// <summary>[rows].</summary>
    public DeviceAddress Positions;
    public int Rows;
    public int Stride;
    public int KvHeads;
    public int HeadDim;
    public WeightType KvType;

    /// <summary>Every block index used is below it (checked).</summary>
    public int BlockCount;
    public int Sequences;
    public int BlockTableStride;

    /// <summary>1: a value is the first components of its key and is not stored.</summary>
    public int IsLatent;
}

/// <summary>Stores each row's key and value at its position in the paged cache, rounded to the cache's type.</summary>
public static unsafe class KvWriteOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void KvWrite(this KernelContext context, in KvWriteArgs args)
    {
        fixed (KvWriteArgs* native = &args)
            NativeCall.Check(MkNative.mk_kv_write(context.Handle, 0, native), nameof(MkNative.mk_kv_write));
    }
}
