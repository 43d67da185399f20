namespace MegaInfer.Kernels;

/// <summary>Element type of stored weights, embedding tables and KV caches; mirrors mk_dtype. Arithmetic is fp32 for all of them.</summary>
public enum WeightType
{
    F32 = 0,
    BF16 = 1,

    /// <summary>Read from checkpoints only; packing as F16 and F16 caches are refused.</summary>
    F16 = 2,

    /// <summary>A byte with an fp32 scale for each block of the matrix. Weights only.</summary>
    F8E4M3 = 3,

    /// <summary>Half a byte with a power of two for each 32 in_features. Weights only.</summary>
    MxFp4 = 4,

    /// <summary>A byte with an fp16 scale for each 32 in_features. Made when weights are packed.</summary>
    Int8 = 5,

    /// <summary>Half a byte with an fp16 scale for each 32 in_features. Made when weights are packed.</summary>
    Int4 = 6,
}
