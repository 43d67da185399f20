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
}
