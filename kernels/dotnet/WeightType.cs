namespace MegaInfer.Kernels;

/// <summary>Element type of stored weights, embedding tables and KV caches. Arithmetic is fp32 for all of them.</summary>
public enum WeightType
{
    F32 = 0,
    BF16 = 1,

    /// <summary>Read from checkpoints only; packing as F16 and F16 caches are refused.</summary>
    F16 = 2,
}
