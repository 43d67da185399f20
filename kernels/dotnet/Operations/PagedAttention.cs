using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels.Operations;

/// <summary>Arguments of <see cref="PagedAttentionOperation.PagedAttention"/>; mirrors mk_paged_attention_args. Strides are in elements.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PagedAttentionArgs
{
    /// <summary>[rows, heads, head_dim], row stride query_stride.</summary>
    public DeviceAddress Queries;

    /// <summary>[rows, heads, value_dim], row stride out_stride; not overlapping queries.</summary>
    public DeviceAddress Out;
    public DeviceAddress Cache;
    public DeviceAddress BlockTables;
    public DeviceAddress SequenceOfRow;

    /// <summary>Row r attends to positions 0..positions[r] of its sequence, all already written.</summary>
    public DeviceAddress Positions;

    /// <summary>[heads] or NULL: a score of each head that takes its share of the softmax and has no value.</summary>
    public DeviceAddress Sinks;
    public int Rows;
    public int QueryStride;
    public int OutStride;

    /// <summary>Query head h reads KV head h / (heads / kv_heads).</summary>
    public int Heads;
    public int KvHeads;
    public int HeadDim;
    public WeightType KvType;
    public int BlockCount;
    public int Sequences;
    public int BlockTableStride;

    /// <summary>Multiplies the scores.</summary>
    public float Scale;
    public int IsLatent;

    /// <summary>Head_dim, or for a latent cache 1..head_dim.</summary>
    public int ValueDim;

    /// <summary>0: none; W: a row attends to the last W positions only, its own included.</summary>
    public int Window;
}

/// <summary>softmax(scale * q k^T) v over each row's sequence up to its position, read from the paged cache. Prefill and decode are this one call.</summary>
public static unsafe class PagedAttentionOperation
{
    /// <summary>Runs the operation. Throws <see cref="KernelException"/> for arguments out of their contract, and then writes nothing.</summary>
    public static void PagedAttention(this KernelContext context, in PagedAttentionArgs args)
    {
        fixed (PagedAttentionArgs* native = &args)
            NativeCall.Check(MkNative.mk_paged_attention(context.Handle, 0, native), nameof(MkNative.mk_paged_attention));
    }
}
