using MegaInfer.Engine;

namespace MegaInfer.Kernels;

/// <summary>A kernel call refused its arguments, lacks the operation, or ran out of memory. The message names the call and what was wrong.</summary>
public sealed class KernelException : MegaInferException
{
    public KernelException(string message)
        : base(message)
    {
    }

    public KernelException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public KernelException()
    {
    }

    /// <summary>The arguments are right, but this backend or packed type cannot do it; another may.</summary>
    public bool IsUnsupported { get; init; }
}
