namespace MegaInfer.Bench.Gguf;

/// <summary>What the elements of an exported tensor are. The values are those of ggml_type.</summary>
internal enum GgufTensorType
{
    Float32 = 0,
    BFloat16 = 30,
}
