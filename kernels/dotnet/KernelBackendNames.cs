namespace MegaInfer.Kernels;

/// <summary>Backends as command lines spell them.</summary>
public static class KernelBackendNames
{
    /// <summary>"reference", "avx2", "avx512", "avx512vnni", "avx512bf16" or "cuda"; anything else is <see cref="KernelBackend.Auto"/>, the command line having checked it.</summary>
    public static KernelBackend Parse(string name) => name switch
    {
        "reference" => KernelBackend.Reference,
        "avx2" => KernelBackend.Avx2,
        "avx512" => KernelBackend.Avx512,
        "avx512vnni" => KernelBackend.Avx512Vnni,
        "avx512bf16" => KernelBackend.Avx512Bf16,
        "cuda" => KernelBackend.Cuda,
        _ => KernelBackend.Auto,
    };
}
