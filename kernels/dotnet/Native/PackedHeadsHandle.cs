using System.Runtime.InteropServices;

namespace MegaInfer.Kernels.Native;

/// <summary>Owns an mk_weight for each head, and the array of them that mk_gemm_heads reads.</summary>
internal sealed unsafe class PackedHeadsHandle : ContextChildHandle
{
    private PackedHeadsHandle(KernelContextHandle context, nint* weights, int count)
        : base(context, (nint)weights) => Count = count;

    public int Count { get; }

    public long Bytes
    {
        get
        {
            long bytes = 0;
            for (int head = 0; head < Count; head++)
                bytes += (long)MkNative.mk_weight_bytes(((nint*)handle)[head]);
            return bytes;
        }
    }

    /// <summary>Packs each matrix by itself; nothing stays packed if one fails.</summary>
    public static PackedHeadsHandle Pack(KernelContextHandle context, ReadOnlySpan<MatrixSource> heads, int columns, WeightType type)
    {
        // A head that is not packed yet is null, which mk_weight_free takes.
        nint* weights = (nint*)NativeMemory.AllocZeroed((nuint)heads.Length, (nuint)sizeof(nint));
        var handle = new PackedHeadsHandle(context, weights, heads.Length);
        try
        {
            fixed (MatrixSource* matrices = heads)
            {
                for (int head = 0; head < heads.Length; head++)
                    NativeCall.Check(MkNative.mk_weight_pack(context, matrices + head, 1, columns, (int)type, weights + head), nameof(MkNative.mk_weight_pack));
            }

            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    protected override void Free(nint address)
    {
        for (int head = 0; head < Count; head++)
            MkNative.mk_weight_free(((nint*)address)[head]);
        NativeMemory.Free((void*)address);
    }
}
