namespace MegaInfer.Engine.Model;

/// <summary>How numbers are stored: weights in a checkpoint or packed, and the KV cache. The values are those of mk_dtype.</summary>
public enum NumberType
{
    Float32 = 0,
    BFloat16 = 1,
    Float16 = 2,

    /// <summary>FP8 E4M3 with an fp32 scale for each block of a matrix.</summary>
    Float8E4M3 = 3,

    /// <summary>4-bit E2M1, two in a byte, with a power of two for each 32 in a row.</summary>
    MxFloat4 = 4,

    /// <summary>A byte with an fp16 scale for each 32 in a row. Packed weights only.</summary>
    Int8 = 5,

    /// <summary>Half a byte with an fp16 scale for each 32 in a row. Packed weights only.</summary>
    Int4 = 6,
}
