namespace MegaInfer.Engine.Model;

/// <summary>How numbers are stored: weights in a checkpoint or packed, and the KV cache. The values are those of mk_dtype.</summary>
public enum NumberType
{
    Float32 = 0,
    BFloat16 = 1,
    Float16 = 2,
}
