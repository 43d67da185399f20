namespace MegaInfer.Kernels;

/// <summary>Which implementation of the operations a context uses. All CPU backends give the same bits.</summary>
public enum KernelBackend
{
    /// <summary>The best this machine has.</summary>
    Auto = 0,

    /// <summary>Plain scalar code: the definition of correct, and slow.</summary>
    Reference = 1,
    Avx2 = 2,
    Avx512 = 3,
    Cuda = 4,

    /// <summary>AVX-512 with its products of bytes.</summary>
    Avx512Vnni = 5,

    /// <summary>That with the instruction for pairs of bf16.</summary>
    Avx512Bf16 = 6,
}
