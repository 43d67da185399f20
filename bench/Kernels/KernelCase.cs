namespace MegaInfer.Bench.Kernels;

/// <summary>What is timed: a call on data that lies ready.</summary>
/// <param name="Operation">As mk.h names it, and what for.</param>
/// <param name="Dtype">Of its weights, or of its cache.</param>
/// <param name="Rows">Of the call.</param>
/// <param name="Bytes">That must come from memory or go there.</param>
/// <param name="Flops">Of products that are not of whole numbers.</param>
/// <param name="Call">The i-th call; calls take turns over weights that together exceed every cache.</param>
internal sealed record KernelCase(string Operation, string Dtype, int Rows, double Bytes, double Flops, Action<int> Call)
{
    /// <summary>Whether they are products with bf16 weights.</summary>
    public bool IsBFloat16Product { get; init; }
}
