using MegaInfer.Engine;

namespace MegaInfer.M2N;

/// <summary>A set-up call of the M2N library failed; the message is the library's own sentence with the call's name.</summary>
public sealed class M2NException : MegaInferException
{
    public M2NException(M2NStatus status, string message)
        : base(message) => Status = status;

    public M2NException(string message)
        : this(M2NStatus.Internal, message)
    {
    }

    public M2NException(string message, Exception inner)
        : base(message, inner) => Status = M2NStatus.Internal;

    public M2NException()
    {
    }

    public M2NStatus Status { get; }
}
