using MegaInfer.Kernels.Native;

namespace MegaInfer.Kernels;

/// <summary>The shape of one block of a layer's KV cache.</summary>
public static class KvBlock
{
    /// <summary>Positions in a block.</summary>
    public const int Tokens = 16;

    /// <summary>
    /// Bytes of a block: keys [kv_heads, head_dim, 16], then values [kv_heads, 16, head_dim] unless it is latent. 0 for an unsupported type.
    /// </summary>
    public static long Bytes(int kvHeads, int headDim, bool isLatent, WeightType kvType)
    {
        MkLibrary.EnsureUsable();
        return (long)MkNative.mk_kv_block_bytes(kvHeads, headDim, isLatent ? 1 : 0, (int)kvType);
    }
}
